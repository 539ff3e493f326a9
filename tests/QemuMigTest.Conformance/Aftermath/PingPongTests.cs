using QemuMigTest.Processes;
using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Aftermath;

/// <summary>A destination is a source like any other: the guest goes on from each to a new one. Every oracle holds after each hop.</summary>
public sealed class PingPongTests : MigrationFixture
{
    private const int Hops = 5;
    private const uint SomeMiB = 15;
    private const string Tcp = "tcp";
    private const string Unix = "unix";
    private const string Descriptor = "fd";

    [MigrationTest("/migration/pingpong/precopy/tcp", "", Tcp, false)]
    [MigrationTest("/migration/pingpong/precopy/unix", "", Unix, false)]
    [MigrationTest("/migration/pingpong/precopy/fd", "", Descriptor, false)]
    [MigrationTest("/migration/pingpong/precopy/tls", "", Tcp, true)]
    [MigrationTest("/migration/pingpong/precopy/xbzrle", "xbzrle", Unix, false)]
    [MigrationTest("/migration/pingpong/precopy/return-path", "return-path", Unix, false)]
    [MigrationTest("/migration/pingpong/multifd/plain", "multifd", Tcp, false)]
    [MigrationTest("/migration/pingpong/multifd/tls", "multifd", Tcp, true)]
    public Task A_guest_goes_from_one_QEMU_to_the_next([Capabilities] string capabilities, string channel, [UsesTls] bool tls, CancellationToken ct) => GoAsync(new()
    {
        Capabilities = MigrationCapability.Several(capabilities),
        Tls = tls ? TlsSettings.Psk : null,
    }, () => Open(channel), LetGoAsync, ct);

    [MigrationTest("/migration/pingpong/file/plain", ""), RequiresArgument("migrate", "channels")]
    [MigrationTest("/migration/pingpong/file/mapped-ram", "mapped-ram")]
    [MigrationTest("/migration/pingpong/file/multifd", "multifd mapped-ram")]
    public Task A_guest_goes_from_one_QEMU_to_the_next_by_files([Capabilities] string capabilities, CancellationToken ct) => GoAsync(new()
    {
        Capabilities = MigrationCapability.Several(capabilities),
        Convergence = Convergence.Allowed,
    }, () => new FileChannel(), (_, _) => Task.CompletedTask, ct);

    [MigrationTest("/migration/pingpong/postcopy/plain", "postcopy-ram")]
    [MigrationTest("/migration/pingpong/postcopy/preempt", "postcopy-ram postcopy-preempt")]
    [RequiresUserfaultfd]
    public Task A_guest_goes_from_one_QEMU_to_the_next_and_its_memory_follows([Capabilities] string capabilities, CancellationToken ct) =>
        GoAsync(new() { Capabilities = MigrationCapability.Several(capabilities) }, () => MigrationChannel.Tcp, async (migration, token) =>
        {
            await migration.WaitForSentPageDirtiedAsync(token);
            await migration.StartPostcopyAsync(token);
        }, ct);

    // pause-before-switchover: without it the destination may be done before its monitor can say so.
    [MigrationTest("/migration/pingpong/cpr/transfer"), RequiresArgument("migrate-set-parameters", "mode", "cpr-transfer"), RequiresDestinationSince(10, 1, Quirks.CprStateHasVfio)]
    public Task A_guest_goes_from_one_QEMU_to_the_next_and_its_memory_stays(CancellationToken ct) => GoAsync(new()
    {
        Mode = MigrationMode.CprTransfer,
        Ram = GuestRam.Memfd,
        SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover],
    }, () => new CprTransferChannel(deferred: false), async (migration, token) =>
    {
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, token);
        await migration.ContinueFromPreSwitchoverAsync(token);
    }, ct);

    [MigrationTest("/migration/pingpong/cpr/exec"), RequiresArgument("migrate-set-parameters", "mode", "cpr-exec")]
    public Task A_guest_stays_in_a_process_that_executes_one_QEMU_after_the_other(CancellationToken ct) =>
        GoAsync(new() { Mode = MigrationMode.CprExec, Ram = GuestRam.Memfd }, () => new FileChannel(), (_, _) => Task.CompletedTask, ct);

    private static async Task LetGoAsync(MigrationRun migration, CancellationToken ct)
    {
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.AllowConvergenceAsync(ct);
    }

    private async Task GoAsync(PairOptions options, Func<MigrationChannel> open, Func<MigrationRun, CancellationToken, Task> steer, CancellationToken ct)
    {
        var pair = await StartPairAsync(options with { RegionMiB = SomeMiB }, ct);
        ProcessResources? first = null;
        for (var hop = 1; hop <= Hops; hop++)
        {
            if (hop > 1)
            {
                await HandOnAsync(pair, ct);
                first = await CompareAsync(pair, first, ct);
            }

            var migration = await pair.MigrateAsync(open(), ct);
            if (hop < Hops)
            {
                pair.PrepareNextDestination(ct);
            }

            await steer(migration, ct);
            await migration.CompleteAsync(ct);
        }
    }

    // Each has been a destination; what a hop leaves in a process that lives through several adds up.
    private Task<ProcessResources> CompareAsync(MigrationPair pair, ProcessResources? first, CancellationToken ct)
    {
        IReadOnlyList<string> more = [];
        return Poll.UntilAsync(pair.Source.Name, "the descriptors and threads that the guest's second QEMU had", _ =>
        {
            var now = ReadWithoutNames(pair);
            more = now?.DifferencesFrom(first ?? now) ?? ["its QEMU has ended"];
            return Task.FromResult(more.Count == 0 ? first ?? now : null);
        }, () => string.Join(", ", more), Environment.Limits.Command, ct);
    }

    // Its disk and its logs bear the side's name; which of its first threads have a name of their own is a matter of chance.
    private static ProcessResources? ReadWithoutNames(MigrationPair pair) => ProcessResources.Read(pair.Source.Process.Child.Id) is { } resources
        ? resources with
        {
            Descriptors = resources.Descriptors
                .GroupBy(kind => kind.Key.StartsWith(pair.Scratch.Path, StringComparison.Ordinal) ? Path.GetExtension(kind.Key) : kind.Key)
                .ToDictionary(kinds => kinds.Key, kinds => kinds.Sum(kind => kind.Value)),
            Threads = new Dictionary<string, int> { ["any"] = resources.Threads.Values.Sum() },
        }
        : null;

    private static MigrationChannel Open(string channel) => channel switch
    {
        Unix => MigrationChannel.Unix,
        Descriptor => DescriptorChannel.OfSocketPair(),
        _ => MigrationChannel.Tcp,
    };
}
