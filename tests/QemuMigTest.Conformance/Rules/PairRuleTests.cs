using QemuMigTest.Oracles;

namespace QemuMigTest.Conformance.Rules;

/// <summary>Migrations with the capabilities that QEMU accepts together: every pair of them in some migration (<see cref="PairTable"/>), with all oracles.</summary>
public sealed class PairRuleTests : MigrationFixture
{
    private const int Shares = 6;

    [MigrationTest("/migration/rules/pairs/1", 0)]
    [MigrationTest("/migration/rules/pairs/2", 1)]
    [MigrationTest("/migration/rules/pairs/3", 2)]
    [MigrationTest("/migration/rules/pairs/4", 3)]
    [MigrationTest("/migration/rules/pairs/5", 4)]
    [MigrationTest("/migration/rules/pairs/6", 5)]
    public async Task What_is_accepted_together_migrates_together(int share, CancellationToken ct)
    {
        var rows = PairTable.Rows(PairTable.Without(PairTable.Common(Environment.Source, Environment.Destination), NotAllowed()), new(Environment.Source.Version), new(Environment.Destination.Version, Destination: true));
        foreach (var row in rows.Where((_, number) => number % Shares == share))
        {
            await MigrateWithAsync(row, ct);
        }
    }

    // What the host does not let a QEMU do is left out, and said.
    private List<string> NotAllowed()
    {
        var missing = new[]
        {
            (Capability: "postcopy-ram", Missing: new RequiresUserfaultfdAttribute().Check(Environment)),
            (Capability: "zero-copy-send", Missing: new RequiresLockedMemoryAttribute().Check(Environment)),
        }.Where(need => need.Missing is not null).ToList();
        foreach (var (capability, reason) in missing)
        {
            TestContext.Out.WriteLine($"{capability} is left out: {reason!.Found} ({reason.Why})");
        }

        return [.. missing.Select(need => need.Capability)];
    }

    private async Task MigrateWithAsync(IReadOnlySet<string> row, CancellationToken ct)
    {
        try
        {
            var pair = await StartPairAsync(Options(row), ct);
            var migration = await pair.MigrateAsync(row.Contains("mapped-ram") ? new FileChannel() : MigrationChannel.Tcp, ct);
            if (row.Contains("postcopy-ram"))
            {
                await migration.WaitForPageSentAsync(ct);
                var postcopy = migration.StartPostcopyAsync(ct);
                await ContinueAsync(migration, row, ct);
                await postcopy;
            }
            else
            {
                if (Held(row) == Convergence.HeldFast)
                {
                    await migration.WaitForPassAsync(2, ct);
                    await migration.AllowConvergenceAsync(ct);
                }

                await ContinueAsync(migration, row, ct);
            }

            await migration.CompleteAsync(ct);
            Release(pair);
            await new PairVerifier().VerifyAndEndAsync(pair, ct);
        }
        catch (QemuMigTestException e)
        {
            throw new RuleException($"with {string.Join(", ", row)}: {e.Message}", e);
        }
    }

    private static async Task ContinueAsync(MigrationRun migration, IReadOnlySet<string> row, CancellationToken ct)
    {
        if (row.Contains("pause-before-switchover"))
        {
            await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
            await migration.ContinueFromPreSwitchoverAsync(ct);
        }
    }

    private PairOptions Options(IReadOnlySet<string> row) => new()
    {
        Capabilities = MigrationCapability.Several(string.Join(' ', row)),
        Convergence = Held(row),
        RegionMiB = PairOptions.SmallRegionMiB,
        Ram = SharesRam(row) ? GuestRam.SharedFile : GuestRam.Anonymous,
    };

    // A second pass gives xbzrle and auto-converge something to do. A file has no need of one, and RAM that is shared goes in none.
    private Convergence Held(IReadOnlySet<string> row) => row.Contains("postcopy-ram") ? Convergence.Held
        : row.Contains("mapped-ram") || SharesRam(row) ? Convergence.Allowed
        : Convergence.HeldFast;

    private bool SharesRam(IReadOnlySet<string> row) => row.Contains("x-ignore-shared") && new RequiresSharedMemoryAttribute().Check(Environment) is null;
}
