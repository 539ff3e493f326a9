using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Aftermath;

/// <summary>A destination is a source like any other: the guest goes on from each to a new one. Every oracle holds after each hop.</summary>
public sealed class PingPongTests : MigrationFixture
{
    private const int Hops = 5;
    private const string Tcp = "tcp";
    private const string Unix = "unix";
    private const string Descriptor = "fd";
    private const string File = "file";

    [MigrationTest("/migration/pingpong/precopy/tcp", "", Tcp, false)]
    [MigrationTest("/migration/pingpong/precopy/unix", "", Unix, false)]
    [MigrationTest("/migration/pingpong/precopy/fd", "", Descriptor, false)]
    [MigrationTest("/migration/pingpong/precopy/tls", "", Tcp, true)]
    [MigrationTest("/migration/pingpong/precopy/xbzrle", "xbzrle", Unix, false)]
    [MigrationTest("/migration/pingpong/precopy/return-path", "return-path", Unix, false)]
    [MigrationTest("/migration/pingpong/multifd/plain", "multifd", Tcp, false)]
    [MigrationTest("/migration/pingpong/multifd/tls", "multifd", Tcp, true)]
    public Task A_guest_goes_from_one_QEMU_to_the_next([Capabilities] string capabilities, string channel, [UsesTls] bool tls, CancellationToken ct) => GoAsync(capabilities, channel, tls, LetGoAsync, ct);

    [MigrationTest("/migration/pingpong/file/plain", ""), RequiresArgument("migrate", "channels")]
    [MigrationTest("/migration/pingpong/file/mapped-ram", "mapped-ram")]
    [MigrationTest("/migration/pingpong/file/multifd", "multifd mapped-ram")]
    public Task A_guest_goes_from_one_QEMU_to_the_next_by_files([Capabilities] string capabilities, CancellationToken ct) => GoAsync(capabilities, File, false, (_, _) => Task.CompletedTask, ct);

    [MigrationTest("/migration/pingpong/postcopy/plain", "postcopy-ram")]
    [MigrationTest("/migration/pingpong/postcopy/preempt", "postcopy-ram postcopy-preempt")]
    [RequiresUserfaultfd]
    public Task A_guest_goes_from_one_QEMU_to_the_next_and_its_memory_follows([Capabilities] string capabilities, CancellationToken ct) => GoAsync(capabilities, Tcp, false, async (migration, token) =>
    {
        await migration.WaitForSentPageDirtiedAsync(token);
        await migration.StartPostcopyAsync(token);
    }, ct);

    private static async Task LetGoAsync(MigrationRun migration, CancellationToken ct)
    {
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.AllowConvergenceAsync(ct);
    }

    private async Task GoAsync(string capabilities, string channel, bool tls, Func<MigrationRun, CancellationToken, Task> steer, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Capabilities = MigrationCapability.Several(capabilities),
            Tls = tls ? TlsSettings.Psk : null,
            Convergence = channel == File ? Convergence.Allowed : Convergence.Held,
        }, ct);
        for (var hop = 1; hop <= Hops; hop++)
        {
            if (hop > 1)
            {
                await HandOnAsync(pair, ct);
            }

            var migration = await pair.MigrateAsync(Open(channel), ct);
            if (hop < Hops)
            {
                pair.PrepareNextDestination(ct);
            }

            await steer(migration, ct);
            await migration.CompleteAsync(ct);
        }
    }

    private static MigrationChannel Open(string channel) => channel switch
    {
        Unix => MigrationChannel.Unix,
        Descriptor => DescriptorChannel.OfSocketPair(),
        File => new FileChannel(),
        _ => MigrationChannel.Tcp,
    };
}
