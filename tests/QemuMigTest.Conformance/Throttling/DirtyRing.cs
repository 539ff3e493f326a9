using System.Text.Json;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Throttling;

/// <summary>What the tests of KVM's dirty ring have in common.</summary>
internal static class DirtyRing
{
    /// <summary>Entries in the ring of each vCPU.</summary>
    public const int Size = 4096;

    /// <summary>MB/s: a vCPU that is that near to its limit QEMU leaves alone.</summary>
    public const long Tolerance = 25;

    private const int MeasureSeconds = 1;

    /// <summary>The limit that is set on the one vCPU, MB/s (query-vcpu-dirty-limit, since 7.1); null without one.</summary>
    public static async Task<long?> LimitAsync(MigrationSide side, CancellationToken ct)
    {
        var limits = await side.ExecuteAsync("query-vcpu-dirty-limit", null, ct);
        return limits.ValueKind == JsonValueKind.Array && limits.GetArrayLength() > 0 ? limits[0].GetProperty("limit-rate").GetInt64() : null;
    }

    /// <summary>How fast the one vCPU writes, MB/s, measured over a second (calc-dirty-rate, its mode since 6.2).</summary>
    public static async Task<long> MeasureAsync(MigrationSide side, CancellationToken ct)
    {
        await side.ExecuteAsync("calc-dirty-rate", new() { ["calc-time"] = MeasureSeconds, ["mode"] = "dirty-ring" }, ct);
        var measured = await Poll.UntilAsync(side.Name, "calc-dirty-rate to end; no event tells of it", async token =>
            await side.ExecuteAsync("query-dirty-rate", null, token) is var rate && rate.GetProperty("status").GetString() == "measured" ? rate.ToString() : null,
            side.Process.LastSeen, side.Process.Options.Limits.Step, ct);
        return JsonDocument.Parse(measured).RootElement.GetProperty("vcpu-dirty-rate")[0].GetProperty("dirty-rate").GetInt64();
    }

    /// <summary>Why a guest of that speed, MB/s, cannot be seen held back.</summary>
    public static MissingRequirement TooSlow(long rate) => new($"one that writes {rate} MB/s", $"QEMU holds a vCPU to its limit within {Tolerance} MB/s; a faster machine runs it");
}
