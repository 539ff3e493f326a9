using QemuMigTest.Guests.State;

namespace QemuMigTest.Conformance.State;

/// <summary>The base of tests whose guest looks at its own CPU and devices. What it finds is told by the oracle, after the test.</summary>
[RequiresTcg]
public abstract class StateFixture : MigrationFixture
{
    /// <summary>A pair with the state guest.</summary>
    protected Task<MigrationPair> StartStatePairAsync(int vcpus, IReadOnlyList<MigrationCapability> capabilities, CancellationToken ct, Convergence convergence = Convergence.Allowed) =>
        StartStatePairAsync(new() { Vcpus = vcpus }, capabilities, convergence, ct);

    /// <summary>The same, with more to say of the guest.</summary>
    protected Task<MigrationPair> StartStatePairAsync(StateGuestSettings guest, IReadOnlyList<MigrationCapability> capabilities, Convergence convergence, CancellationToken ct) =>
        StartPairAsync(StateOptions(guest, capabilities, convergence), ct);

    /// <summary>What is special in such a pair.</summary>
    protected PairOptions StateOptions(StateGuestSettings guest, IReadOnlyList<MigrationCapability> capabilities, Convergence convergence) => new()
    {
        StateGuest = guest,
        Capabilities = capabilities,
        Convergence = convergence,
        RamNodesKiB = Quirks.StoresMayBeLost(Environment.Source.Version) ? Quirks.NodesWithoutLostStoresKiB : [],
    };
}
