using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Memory that the guest has plugged by a virtio-mem, with gaps: what is plugged is there on the destination, and what is not is empty.</summary>
[RequiresDevice("virtio-mem-pci")]
public sealed class VirtioMemTests : MigrationFixture
{
    private const int PageSize = 4096;
    private const int Blocks = 6;
    private const uint BlockBytes = 2 << 20;
    private const uint LaterBlock = 0;
    private static readonly uint[] Plugged = [1, 3, 4];
    private static readonly uint[] Unplugged = [0, 2, 5];

    // Was plugged, and written to.
    private const uint GivenUp = 2;

    [MigrationTest("/migration/devices/virtio-mem")]
    public Task Memory_that_is_plugged_with_gaps_comes_along(CancellationToken ct) => MoveAsync([], migration => migration.AllowConvergenceAsync(ct), ct);

    [MigrationTest("/migration/devices/virtio-mem/postcopy"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public Task Memory_that_is_plugged_with_gaps_comes_along_by_postcopy(CancellationToken ct) => MoveAsync([MigrationCapability.PostcopyRam], migration => migration.StartPostcopyAsync(ct), ct);

    private async Task MoveAsync(IReadOnlyList<MigrationCapability> capabilities, Func<MigrationRun, Task> switchOver, CancellationToken ct)
    {
        const long Largest = MigrationPair.GuestMemoryBytes + (256L << 20);
        var size = (Blocks * BlockBytes).ToString(CultureInfo.InvariantCulture);
        var arguments = new QemuCommandLine()
            .With("-m", string.Create(CultureInfo.InvariantCulture, $"{MigrationPair.GuestMemoryBytes >> 20}M,maxmem={Largest >> 20}M"))
            // Before the other: a block of RAM that is larger than an earlier one ends a source under TCG (docs/findings.md).
            .With("-object", string.Create(CultureInfo.InvariantCulture, $"memory-backend-ram,id=main,size={MigrationPair.GuestMemoryBytes}"))
            .With("-machine", "memory-backend=main")
            .With("-object", $"memory-backend-ram,id=pluggable,size={size}")
            .With("-device", $"virtio-mem-pci,memdev=pluggable,addr={VirtioDevice.Slot},requested-size={size},block-size={BlockBytes},unplugged-inaccessible=on");
        var pair = await StartPairAsync(new()
        {
            Capabilities = capabilities,
            UnpluggedBytes = Unplugged.Length * BlockBytes,
            Convergence = Convergence.HeldFast,
            RegionMiB = PairOptions.HeldFastRegionMiB,
            SourceArguments = arguments,
            DestinationArguments = arguments,
        }, ct);
        var memory = new PluggableMemory(pair);
        foreach (var block in Plugged.Append(GivenUp))
        {
            await memory.PlugAsync(block, "before the migration", ct);
            memory.Fill(block);
        }

        await memory.UnplugAsync(GivenUp, "before the migration", ct);
        memory.PluggedBytes.ShouldBe((ulong)Plugged.Length * BlockBytes, "what is plugged before the migration");

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPassAsync(2, ct);
        // Of what was sent some is not any more what it was.
        memory.Fill(Plugged[^1]);
        var driven = memory.Device.Describe();
        await switchOver(migration);
        await migration.CompleteAsync(ct);

        memory.Check();
        memory.Device.Describe().ShouldBe(driven, "the device should be driven as it was");
        memory.PluggedBytes.ShouldBe((ulong)Plugged.Length * BlockBytes, "what is plugged after the migration");
        foreach (var block in Plugged)
        {
            (await memory.IsPluggedAsync(block, ct)).ShouldBeTrue($"whether block {block} is plugged, which was before the migration");
        }

        foreach (var block in Unplugged)
        {
            (await memory.IsPluggedAsync(block, ct)).ShouldBeFalse($"whether block {block} is plugged, which was not before the migration");
        }

        await memory.PlugAsync(LaterBlock, "after the migration", ct);
        memory.Fill(LaterBlock);
        await memory.UnplugAsync(Plugged[0], "after the migration", ct);
        memory.Check();
    }

    private sealed class PluggableMemory
    {
        private const uint Queue = 0x6_0000;
        private const uint Requests = 0x6_4000;
        private const int AnswerAt = 0x100;
        private const ulong UnpluggedIsInaccessible = 1UL << 1;

        // Of its configuration.
        private const int AddressAt = 16;
        private const int PluggedSizeAt = 40;

        // A request: what (2 bytes), from where on, how many blocks. Its answer: whether it was done, and how the blocks are.
        private const ushort Plug = 0;
        private const ushort Unplug = 1;
        private const ushort AskState = 3;
        private const int FromAt = 8;
        private const int CountAt = 16;
        private const int RequestBytes = 24;
        private const int AnswerBytes = 10;
        private const int StateAt = 8;
        private const ushort Done = 0;
        private const ushort IsPlugged = 0;
        private readonly MigrationPair _pair;
        private readonly DevicePages _pages;
        private readonly Virtqueue _queue;
        private readonly ulong _start;
        private readonly Dictionary<ulong, byte[]> _contents = [];

        public PluggableMemory(MigrationPair pair)
        {
            (_pair, _pages, Device) = (pair, new(pair), new(pair));
            Device.Begin(UnpluggedIsInaccessible);
            _queue = Device.AddQueue(0, Queue);
            Device.Go();
            _start = Device.ReadConfiguration(AddressAt, sizeof(ulong));
        }

        public VirtioDevice Device { get; }

        public ulong PluggedBytes => Device.ReadConfiguration(PluggedSizeAt, sizeof(ulong));

        public Task PlugAsync(uint block, string when, CancellationToken ct) => AskAsync(Plug, block, $"to plug block {block}", when, ct);

        public Task UnplugAsync(uint block, string when, CancellationToken ct)
        {
            EndsOf(block).ToList().ForEach(page => _contents.Remove(page));
            return AskAsync(Unplug, block, $"to unplug block {block}", when, ct);
        }

        public async Task<bool> IsPluggedAsync(uint block, CancellationToken ct) => await AskAsync(AskState, block, $"to tell how block {block} is", "after the migration", ct) == IsPlugged;

        /// <summary>Fills a block's first and last page with noise.</summary>
        public void Fill(uint block)
        {
            foreach (var page in EndsOf(block))
            {
                _contents[page] = RandomNumberGenerator.GetBytes(PageSize);
                _pair.Holder.Process.QTest!.Write(page, _contents[page]);
            }
        }

        /// <summary>The first and last pages of all blocks are as they must be: zero where nobody has written to them, or where they were unplugged.</summary>
        public void Check()
        {
            for (uint block = 0; block < Blocks; block++)
            {
                foreach (var page in EndsOf(block))
                {
                    var seen = _pair.Holder.Process.QTest!.Read(page, PageSize);
                    var isRight = seen.AsSpan().SequenceEqual(_contents.GetValueOrDefault(page, new byte[PageSize]));
                    isRight.ShouldBeTrue($"{_pair.Holder.Name}: page 0x{page:x}, of block {block}, should {(_contents.ContainsKey(page) ? $"have what was written there, and {(seen.All(value => value == 0) ? "is zero" : "has something else")}" : "be zero: it is not plugged")}");
                }
            }
        }

        private IEnumerable<ulong> EndsOf(uint block) => [_start + (block * BlockBytes), _start + ((block + 1) * BlockBytes) - PageSize];

        private async Task<ushort> AskAsync(ushort type, uint block, string what, string when, CancellationToken ct)
        {
            var page = new byte[PageSize];
            BinaryPrimitives.WriteUInt16LittleEndian(page, type);
            BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(FromAt), _start + (block * BlockBytes));
            BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(CountAt), 1);
            page.AsSpan(AnswerAt, AnswerBytes).Fill(byte.MaxValue);
            _pages.Put(Requests, page, when);
            _queue.Submit((Requests, RequestBytes, false), (Requests + AnswerAt, AnswerBytes, true));
            await _queue.WaitAsync(what, AnswerBytes, when, ct);
            _pair.Holder.Process.QTest!.Read(Requests + AnswerAt, AnswerBytes).CopyTo(page, AnswerAt);
            _pair.Expect(Requests, page, $"by its virtio device, {when}");
            BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(AnswerAt)).ShouldBe(Done, $"its answer when it was asked {what}, {when}");
            return BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(AnswerAt + StateAt));
        }
    }
}
