using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Memory;

/// <summary>A postcopy begins in the middle of a pass, and nobody writes to any page any more: what was about to be sent then is not sent for another reason later.</summary>
[RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
public sealed class StillTests : MigrationFixture
{
    // Bytes: a part of the region, and of what the limit lets by in a tenth of a second.
    private const long SomeSent = 20_000_000;

    [MigrationTest("/migration/memory/still/postcopy/plain", "postcopy-ram")]
    [MigrationTest("/migration/memory/still/postcopy/preempt", "postcopy-ram postcopy-preempt")]
    public Task All_pages_of_a_stopped_guest_are_there([Capabilities] string capabilities, CancellationToken ct) => MoveAsync(capabilities, ct);

    // A channel is given its pages by the hundred.
    [MigrationTest("/migration/memory/still/postcopy/multifd", "postcopy-ram multifd"), RequiresVersion(10, 1, "multifd with postcopy-ram")]
    public Task All_pages_of_a_stopped_guest_are_there_that_channels_were_to_send([Capabilities] string capabilities, CancellationToken ct) => MoveAsync(capabilities, ct);

    private async Task MoveAsync(string capabilities, CancellationToken ct)
    {
        // Else the guest runs there (docs/findings.md).
        var destination = new QemuCommandLine().With("-S");
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), Convergence = Convergence.HeldFast, DestinationArguments = destination }, ct);
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForInfoAsync($"{SomeSent} bytes of RAM to be sent", info => info.RamTransferred >= SomeSent, ct);
        await migration.StartPostcopyAsync(ct);
        await migration.CompleteAsync(ct);
    }
}
