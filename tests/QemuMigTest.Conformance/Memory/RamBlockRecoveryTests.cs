using QemuMigTest.Conformance.Postcopy;

namespace QemuMigTest.Conformance.Memory;

/// <summary>The destination tells which pages it has block by block.</summary>
public sealed class RamBlockRecoveryTests : RecoveryFixture
{
    [MigrationTest("/migration/memory/blocks/postcopy/recovery")]
    public async Task A_recovery_knows_of_each_block_which_pages_have_come(CancellationToken ct) =>
        await RecoverAsync(await LoseChannelAsync(new() { RamNodesKiB = RamBlockTests.NodesKiB }, ct), ct);
}
