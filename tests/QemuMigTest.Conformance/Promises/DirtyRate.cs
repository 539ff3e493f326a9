using System.Text.Json;
using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>What calc-dirty-rate has measured (since 5.2).</summary>
internal static class DirtyRate
{
    /// <summary>Waits until a measurement is done, of which no event tells, and gives query-dirty-rate's answer.</summary>
    /// <param name="side">Where it is under way.</param>
    /// <param name="arguments">query-dirty-rate's, or null: <c>calc-time-unit</c> (since 8.2).</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="WaitTimeoutException">It was not done within a step's limit.</exception>
    public static async Task<JsonElement> WaitAsync(MigrationSide side, JsonObject? arguments, CancellationToken ct)
    {
        JsonElement said = default;
        await Poll.UntilAsync(side.Name, "calc-dirty-rate to end; no event tells of it", async token =>
        {
            said = await side.ExecuteAsync("query-dirty-rate", (JsonObject?)arguments?.DeepClone(), token);
            return said.GetProperty("status").GetString() == "measured" ? side : null;
        }, () => $"{said}; {side.Process.LastSeen()}", side.Process.Options.Limits.Step, ct);
        return said;
    }
}
