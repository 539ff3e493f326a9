using QemuMigTest.Conformance.Postcopy;
using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Multifd;

/// <summary>Recoveries of postcopy after a precopy over several channels, which break with the first.</summary>
[RequiresCapability("multifd"), RequiresTls, RequiresVersion(8, 0, Quirks.MultifdPostcopyAborts)]
public sealed class MultifdRecoveryTests : RecoveryFixture
{
    [MigrationTest("/migration/multifd+postcopy/recovery/tls/psk", "")]
    [MigrationTest("/migration/multifd+postcopy/preempt/recovery/tls/psk", "postcopy-preempt")]
    public async Task Postcopy_survives_the_loss_of_its_channel([Capabilities] string capabilities, CancellationToken ct)
    {
        if (await MultifdPostcopy.IsRefusedAsync(Environment, StartPairAsync, ct) is { } refusal)
        {
            NoteRefusal(refusal);
            return;
        }

        var migration = await LoseChannelAsync(new()
        {
            Capabilities = [MigrationCapability.Multifd, .. MigrationCapability.Several(capabilities)],
            Parameters = new() { ["multifd-channels"] = 4 },
            Tls = TlsSettings.Psk,
        }, ct);
        await RecoverAsync(migration, ct);
    }
}
