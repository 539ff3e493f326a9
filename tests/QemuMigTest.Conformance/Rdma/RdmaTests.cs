using System.Net.Sockets;

namespace QemuMigTest.Conformance.Rdma;

public sealed class RdmaTests : MigrationFixture
{
    [MigrationTest("/migration/precopy/rdma/plain"), RequiresRdmaLink(AddressFamily.InterNetwork)]
    public Task A_stopped_guest_moves_over_RDMA(CancellationToken ct) => MoveAsync(AddressFamily.InterNetwork, ct);

    [MigrationTest("/migration/precopy/rdma/plain/ipv6"), RequiresRdmaLink(AddressFamily.InterNetworkV6)]
    public Task A_stopped_guest_moves_over_RDMA_by_an_IPv6_address(CancellationToken ct) => MoveAsync(AddressFamily.InterNetworkV6, ct);

    private async Task MoveAsync(AddressFamily family, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed }, ct);
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(new RdmaChannel(family), ct);
        await migration.CompleteAsync(ct);
    }
}
