using QemuMigTest.Oracles;

namespace QemuMigTest.Conformance.Drills;

/// <summary>The base of drills: each plants a fault in a real pair and sees that the framework names it.
/// They are tests of the framework on QEMUs, not of QEMU, so they have no paths and the command does not run them.</summary>
public abstract class DrillFixture : MigrationFixture
{
    /// <summary>A pair that the drill damages: the fixture ends it, and applies no oracle to it.</summary>
    protected async Task<MigrationPair> StartVictimAsync(PairOptions options, CancellationToken ct, MigrationEnvironment? environment = null)
    {
        var pair = await StartPairAsync(options, environment ?? Environment, ct);
        Release(pair);
        return pair;
    }

    /// <summary>The same, after a migration that went well.</summary>
    protected async Task<MigrationPair> StartMigratedVictimAsync(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new() { Convergence = Convergence.Allowed }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        return pair;
    }

    /// <summary>What the oracles say of a pair that they must find fault with.</summary>
    protected static async Task<string> FindingsAsync(MigrationPair pair, CancellationToken ct) =>
        (await Should.ThrowAsync<OracleException>(() => new PairVerifier().VerifyAndEndAsync(pair, ct))).Message;
}
