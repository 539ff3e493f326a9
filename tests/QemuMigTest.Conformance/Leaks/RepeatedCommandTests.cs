using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Promises;
using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>What is asked, set, and refused over and over, without a migration, leaves nothing, and is answered the same each time.</summary>
public sealed class RepeatedCommandTests : LeakFixture
{
    private static readonly string[] Queries = ["query-migrate", "query-migrate-capabilities", "query-migrate-parameters"];
    private static readonly string[] Nowhere = ["file:/no/such/folder/file", "file:/dev/null", "fd:nobody", "unix:/no/such/folder/socket"];

    [MigrationTest("/migration/leaks/commands")]
    public async Task Commands_leave_nothing_and_are_answered_the_same(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var source = pair.Source;
        await pair.StopSourceAsync(ct);
        var capabilities = (await source.ExecuteAsync("query-migrate-capabilities", null, ct)).EnumerateArray()
            .Select(one => (Name: one.GetProperty("capability").GetString()!, IsOn: one.GetProperty("state").GetBoolean())).ToList();
        // What is opened once, and kept, is open after the first round.
        var first = await AskAsync(pair, capabilities, ct);
        await RepeatAsync([source.Process, pair.Destination.Process], async _ => (await AskAsync(pair, capabilities, ct)).ShouldBe(first, "what QEMU answered when it was asked for the first time"), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/leaks/dirty-rate"), RequiresArgument("calc-dirty-rate", "calc-time-unit")]
    public async Task Measurements_of_the_dirty_rate_leave_nothing(CancellationToken ct)
    {
        const int Milliseconds = 50, SamplesPerGiB = 16384;
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        await pair.StopSourceAsync(ct);
        await RepeatAsync([pair.Source.Process], async _ =>
        {
            await pair.Source.ExecuteAsync("calc-dirty-rate", new() { ["calc-time"] = Milliseconds, ["calc-time-unit"] = "millisecond", ["mode"] = "page-sampling", ["sample-pages"] = SamplesPerGiB }, ct);
            await DirtyRate.WaitAsync(pair.Source, null, ct);
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
    }

    private static async Task<IReadOnlyList<string>> AskAsync(MigrationPair pair, IReadOnlyList<(string Name, bool IsOn)> capabilities, CancellationToken ct)
    {
        var answers = new List<string>();
        // A destination looks for what it needs of the kernel.
        foreach (var side in new[] { pair.Source, pair.Destination })
        {
            foreach (var (name, isOn) in capabilities)
            {
                answers.Add($"{side.Name}: {name}: {await SetAsync(side, name, !isOn, ct)}");
                await SetAsync(side, name, isOn, ct);
            }
        }

        foreach (var query in Queries)
        {
            await pair.Source.ExecuteAsync(query, null, ct);
        }

        foreach (var uri in Nowhere)
        {
            answers.Add($"{uri}: {await MigrateToNowhereAsync(pair, uri, ct)}");
        }

        return answers;
    }

    private static Task<string> SetAsync(MigrationSide side, string capability, bool state, CancellationToken ct) =>
        AnswerAsync(() => side.ExecuteAsync("migrate-set-capabilities", new() { ["capabilities"] = new JsonArray(new JsonObject { ["capability"] = capability, ["state"] = state }) }, ct));

    // One whose other end is looked for later is told by its status that it has failed.
    private static async Task<string> MigrateToNowhereAsync(MigrationPair pair, string uri, CancellationToken ct)
    {
        var answer = await AnswerAsync(() => FailAsync(pair, uri, ct));
        return $"{answer} {(await pair.Source.QueryMigrateAsync(ct)).ErrorDescription}";
    }

    private static async Task<string> AnswerAsync(Func<Task> ask)
    {
        try
        {
            await ask();
            return "yes";
        }
        catch (QmpCommandException refusal)
        {
            return refusal.Description;
        }
    }
}
