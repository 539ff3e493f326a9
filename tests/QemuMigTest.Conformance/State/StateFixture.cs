namespace QemuMigTest.Conformance.State;

/// <summary>The base of tests whose guest looks at its own CPU and devices. What it finds is told by the oracle, after the test.</summary>
[RequiresTcg]
public abstract class StateFixture : MigrationFixture
{
    /// <summary>A pair with the state guest.</summary>
    protected Task<MigrationPair> StartStatePairAsync(int vcpus, IReadOnlyList<MigrationCapability> capabilities, CancellationToken ct, Convergence convergence = Convergence.Allowed) =>
        StartPairAsync(new() { StateGuest = new() { Vcpus = vcpus }, Capabilities = capabilities, Convergence = convergence }, ct);
}
