using System.Text.Json.Nodes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.Rules;

[RequiresArgument("migrate", "channels")]
public sealed class ValidateUriTests : MigrationFixture
{
    private const string Uri = "tcp:127.0.0.1:0";

    [MigrationTest("/migration/validate_uri/channels/both_set")]
    public Task Uri_and_channels_together_are_refused(CancellationToken ct) => RefusedAsync(new JsonObject
    {
        ["uri"] = Uri,
        ["channels"] = new JsonArray(new JsonObject
        {
            ["channel-type"] = "main",
            ["addr"] = new JsonObject { ["transport"] = "socket", ["type"] = "inet", ["host"] = "127.0.0.1", ["port"] = "0" },
        }),
    }, ct);

    [MigrationTest("/migration/validate_uri/channels/none_set")]
    public Task Neither_uri_nor_channels_is_refused(CancellationToken ct) => RefusedAsync([], ct);

    private async Task RefusedAsync(JsonObject arguments, CancellationToken ct)
    {
        var pair = await StartPairAsync(new(), ct);
        var refusal = await Should.ThrowAsync<QmpCommandException>(() => pair.Source.ExecuteAsync("migrate", arguments, ct));
        refusal.Description.ShouldContain("uri");
        refusal.Description.ShouldContain("channels");
    }
}
