using System.Text.Json;
using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Snapshot;

/// <summary>A command that QEMU executes as a job (QAPI JobInfo, since 3.0).</summary>
internal static class QemuJob
{
    /// <summary>Starts the job, waits for its end and dismisses it.</summary>
    /// <param name="side">Whose job it is.</param>
    /// <param name="command">The command, after which the job is named.</param>
    /// <param name="arguments">Its arguments, without <c>job-id</c>.</param>
    /// <param name="ct">Ends it.</param>
    /// <returns>Why QEMU could not, or null.</returns>
    public static async Task<string?> RunAsync(MigrationSide side, string command, JsonObject arguments, CancellationToken ct)
    {
        arguments["job-id"] = command;
        await side.ExecuteAsync(command, arguments, ct);
        JsonElement job = default;
        await Poll.UntilAsync(side.Name, $"the end of {command}", async token =>
        {
            job = (await side.ExecuteAsync("query-jobs", null, token)).EnumerateArray().First(one => one.GetProperty("id").GetString() == command);
            return job.GetProperty("status").GetString() == "concluded" ? side : null;
        }, () => $"{job}", side.Process.Options.Limits.Step, ct);
        await side.ExecuteAsync("job-dismiss", new() { ["id"] = command }, ct);
        return job.TryGetProperty("error", out var error) ? error.GetString() : null;
    }
}
