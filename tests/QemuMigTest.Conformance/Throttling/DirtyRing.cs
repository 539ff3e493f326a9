namespace QemuMigTest.Conformance.Throttling;

/// <summary>What the tests of KVM's dirty ring have in common.</summary>
internal static class DirtyRing
{
    /// <summary>Entries in the ring of each vCPU.</summary>
    public const int Size = 4096;

    /// <summary>The limit that is set on the one vCPU, MB/s (query-vcpu-dirty-limit, since 7.1); null without one.</summary>
    public static async Task<long?> LimitAsync(MigrationSide side, CancellationToken ct)
    {
        var limits = await side.ExecuteAsync("query-vcpu-dirty-limit", null, ct);
        return limits.ValueKind == System.Text.Json.JsonValueKind.Array && limits.GetArrayLength() > 0 ? limits[0].GetProperty("limit-rate").GetInt64() : null;
    }
}
