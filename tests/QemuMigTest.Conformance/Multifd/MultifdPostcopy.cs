using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.Multifd;

/// <summary>Multifd and postcopy together, which QEMU refused until 10.1.</summary>
internal static class MultifdPostcopy
{
    private const string Reason = "Postcopy is not yet compatible with multifd";

    /// <summary>Proves, on a version that must refuse them together, that a side does, with its reason.</summary>
    /// <returns>What was refused; null on versions that take both, where nothing was started.</returns>
    public static async Task<string?> IsRefusedAsync(MigrationEnvironment environment, Func<PairOptions, CancellationToken, Task<MigrationPair>> start, CancellationToken ct)
    {
        var refusing = environment.Sides.Where(side => Quirks.MultifdPostcopyRefused(side.Binary.Version)).ToList();
        if (refusing.Count == 0)
        {
            return null;
        }

        var pair = await start(new() { Capabilities = [MigrationCapability.PostcopyRam] }, ct);
        foreach (var side in pair.Sides.Where(side => Quirks.MultifdPostcopyRefused(side.Binary.Version)))
        {
            var refusal = await Should.ThrowAsync<QmpCommandException>(() => side.EnableAsync([MigrationCapability.Multifd], ct));
            refusal.Description.ShouldContain(Reason);
        }

        return "multifd together with postcopy-ram, before 10.1";
    }
}
