using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Order;

/// <summary>The run state of a source whose migration has completed. It comes a moment after the status, and no event tells of it.</summary>
internal static class PostMigrate
{
    /// <summary>Waits until a source is in it.</summary>
    public static Task WaitAsync(MigrationSide source, CancellationToken ct) => WaitAsync(source.Process, ct);

    /// <summary>The same for one that is in no pair.</summary>
    public static async Task WaitAsync(QemuProcess source, CancellationToken ct)
    {
        RunState? seen = null;
        await Poll.UntilAsync(source.Name, "run state postmigrate", async token =>
        {
            seen = await RunState.QueryAsync(source, token);
            return seen == new RunState("postmigrate", false) ? seen : null;
        }, () => $"{seen}", source.Options.Limits.Command, ct);
    }
}
