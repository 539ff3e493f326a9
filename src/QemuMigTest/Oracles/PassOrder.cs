using QemuMigTest.Migration;
using QemuMigTest.Qmp;

namespace QemuMigTest.Oracles;

/// <summary>MIGRATION_PASS counts up, one by one, on the source alone, and as far as dirty-sync-count says.</summary>
internal static class PassOrder
{
    private const string PassEvent = "MIGRATION_PASS";

    /// <summary>What is wrong with the passes of one migration on one side.</summary>
    /// <param name="events">The side's events of this migration.</param>
    /// <param name="span">The migration.</param>
    /// <param name="result">The source's query-migrate at the end of a completed migration, or null.</param>
    public static IEnumerable<string> Check(IReadOnlyList<QmpEvent> events, MigrationSpan span, MigrationInfo? result)
    {
        var passes = events.Where(e => e.Name == PassEvent).Select(e => (e.Position, Number: e.Data.GetProperty("pass").GetInt64())).ToList();
        if (!span.IsSource)
        {
            return passes.Count == 0 || span.RunsFreely ? [] : [$"{PassEvent} came on the destination"];
        }

        var wrong = new List<string>();
        // From 11.0 the first is not told: it is made before the events' first status.
        if (passes is [var first, ..] && first.Number is < 1 or > 2)
        {
            wrong.Add($"the first {PassEvent} of migration {span.Number} is {first.Number}; 1, or 2, was expected");
        }

        foreach (var (before, after) in passes.Zip(passes.Skip(1)).Where(two => two.Second.Number != two.First.Number + 1))
        {
            wrong.Add($"{PassEvent} {after.Number} came after {before.Number}");
        }

        if (events.FirstOrDefault(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed) is { } completed && passes.Any(pass => pass.Position > completed.Position))
        {
            wrong.Add($"{PassEvent} {passes[^1].Number} came after migration {span.Number} had completed");
        }

        if (!span.RunsFreely && span.Outcome == MigrationOutcome.Completed && result?.DirtySyncCount is { } count && count != passes.LastOrDefault().Number)
        {
            wrong.Add($"dirty-sync-count is {count}, and the last {PassEvent} was {passes.LastOrDefault().Number}");
        }

        return wrong;
    }
}
