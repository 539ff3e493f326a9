using System.Buffers.Binary;
using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Pages that the guest has given away by a virtio-balloon are gone on both sides, and on the destination it gives away more.</summary>
[RequiresDevice("virtio-balloon-pci")]
public sealed class VirtioBalloonTests : MigrationFixture
{
    private const uint PageSize = 4096;
    private const uint GivenBefore = 0x7_0000;
    private const uint GivenAfter = 0x7_4000;
    private const uint GivenMeanwhile = 0x7_8000;
    private const long SlowestPostcopy = 4096;

    [MigrationTest("/migration/devices/virtio-balloon")]
    public Task What_was_given_away_stays_so_and_more_is_given_away(CancellationToken ct) => GiveAsync([], (migration, _) => migration.AllowConvergenceAsync(ct), ct);

    // While a postcopy is under way a destination keeps what is given away, for it would be asked for again: not any more when that is over.
    [MigrationTest("/migration/devices/virtio-balloon/postcopy"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public Task What_was_given_away_stays_so_and_more_is_given_away_after_a_postcopy(CancellationToken ct) => GiveAsync([MigrationCapability.PostcopyRam], async (migration, balloon) =>
    {
        await migration.Source.SetParametersAsync(new() { ["max-postcopy-bandwidth"] = SlowestPostcopy }, ct);
        await migration.StartPostcopyAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        await balloon.KeepAsync(GivenMeanwhile, "in postcopy", ct);
        await migration.Source.SetParametersAsync(new() { ["max-postcopy-bandwidth"] = 0 }, ct);
    }, ct);

    private async Task GiveAsync(IReadOnlyList<MigrationCapability> capabilities, Func<MigrationRun, Balloon, Task> switchOver, CancellationToken ct)
    {
        const uint Target = 2;
        var arguments = new QemuCommandLine().With("-device", $"virtio-balloon-pci,addr={VirtioDevice.Slot},disable-legacy=on");
        var pair = await StartPairAsync(new()
        {
            Capabilities = capabilities,
            Convergence = Convergence.HeldFast,
            RegionMiB = PairOptions.HeldFastRegionMiB,
            SourceArguments = arguments,
            DestinationArguments = arguments,
        }, ct);
        var (balloon, pages) = (new Balloon(pair), new DevicePages(pair));
        pages.Fill(GivenBefore, "before the migration");
        pages.Fill(GivenAfter, "before the migration");
        pages.Fill(GivenMeanwhile, "before the migration");
        await pair.Source.ExecuteAsync("balloon", new JsonObject { ["value"] = MigrationPair.GuestMemoryBytes - (Target * PageSize) }, ct);
        await balloon.GiveAsync(GivenBefore, "before the migration", ct);
        await balloon.SayAsync(1, ct);

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPassAsync(2, ct);
        var driven = balloon.Device.Describe();
        await switchOver(migration, balloon);
        await migration.CompleteAsync(ct);

        balloon.Device.Describe().ShouldBe(driven, "the device should be driven as it was");
        balloon.Target.ShouldBe(Target, "how many pages the balloon wants, as the command balloon has set it before the migration");
        balloon.Given.ShouldBe(1u, "how many pages the balloon says that it was given");
        (await balloon.MemoryLeftAsync(ct)).ShouldBe(MigrationPair.GuestMemoryBytes - PageSize, "what query-balloon says that the guest has left");
        await balloon.GiveAsync(GivenAfter, "after the migration", ct);
        await balloon.SayAsync(Target, ct);
        await balloon.TakeBackAsync(GivenBefore, "after the migration", ct);
        await balloon.SayAsync(Target - 1, ct);
        pages.Fill(GivenBefore, "after the migration, when it was taken back");
    }

    private sealed class Balloon
    {
        private const uint GiveQueue = 0x6_0000;
        private const uint TakeQueue = 0x6_4000;
        private const uint Numbers = 0x6_8000;
        private const int TargetAt = 0;
        private const int GivenAt = 4;
        private readonly MigrationPair _pair;
        private readonly DevicePages _pages;
        private readonly Virtqueue _give;
        private readonly Virtqueue _take;

        public Balloon(MigrationPair pair)
        {
            (_pair, _pages, Device) = (pair, new(pair), new(pair));
            Device.Begin(features: 0);
            (_give, _take) = (Device.AddQueue(0, GiveQueue), Device.AddQueue(1, TakeQueue));
            Device.Go();
        }

        public VirtioDevice Device { get; }

        public uint Target => (uint)Device.ReadConfiguration(TargetAt, sizeof(uint));

        public uint Given => (uint)Device.ReadConfiguration(GivenAt, sizeof(uint));

        public async Task GiveAsync(uint page, string when, CancellationToken ct)
        {
            await HandOverAsync(_give, page, "to take a page", when, ct);
            // The oracle of memory sees it, too, at the end.
            var isGone = !_pair.Holder.Process.QTest!.Read(page, (int)PageSize).AsSpan().ContainsAnyExcept((byte)0);
            isGone.ShouldBeTrue($"{_pair.Holder.Name}: the page at 0x{page:x}, which was given away {when}, should not be kept, and read as zero");
            _pair.Expect(page, new byte[PageSize], $"by its virtio-balloon, {when}");
        }

        // The oracle of memory expects it as it was filled.
        public Task KeepAsync(uint page, string when, CancellationToken ct) => HandOverAsync(_give, page, "to take a page", when, ct);

        public Task TakeBackAsync(uint page, string when, CancellationToken ct) => HandOverAsync(_take, page, "to give a page back", when, ct);

        // The device has it from its driver.
        public async Task SayAsync(uint given, CancellationToken ct)
        {
            Device.WriteConfiguration(GivenAt, given);
            (await MemoryLeftAsync(ct)).ShouldBe(MigrationPair.GuestMemoryBytes - (given * PageSize), $"{_pair.Holder.Name}: what query-balloon says that the guest has left, of which {given} pages were given away");
        }

        public async Task<long> MemoryLeftAsync(CancellationToken ct) => (await _pair.Holder.ExecuteAsync("query-balloon", null, ct)).GetProperty("actual").GetInt64();

        private async Task HandOverAsync(Virtqueue queue, uint page, string what, string when, CancellationToken ct)
        {
            var numbers = new byte[PageSize];
            BinaryPrimitives.WriteUInt32LittleEndian(numbers, page / PageSize);
            _pages.Put(Numbers, numbers, when);
            queue.Submit((Numbers, sizeof(uint), false));
            await queue.WaitAsync(what, 0, when, ct);
        }
    }
}
