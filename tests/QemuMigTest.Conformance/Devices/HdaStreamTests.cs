using System.Buffers.Binary;
using QemuMigTest.Conformance.Devices.Registers;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A stream of Intel's HD audio that plays when the guest leaves plays on on the destination, where it was, through the list of its buffers.</summary>
[RequiresDevice("intel-hda"), RequiresDevice("hda-output")]
public sealed class HdaStreamTests : MigrationFixture
{
    // A sixth of a second of both. Only the second entry has the stream tell when it is done.
    private const uint Buffers = 0x6_0000;
    private const uint FirstBytes = 0x1000;
    private const uint RingBytes = 0x8000;
    private const uint TellsWhenDone = 1;

    [MigrationTest("/migration/devices/hda-stream")]
    public async Task A_stream_plays_on_after_the_migration_and_tells_of_a_buffer_that_is_done(CancellationToken ct)
    {
        var arguments = new QemuCommandLine().With("-audiodev", "none,id=sound").With("-device", $"intel-hda,id=hda,addr={Stream.Slot}").With("-device", "hda-output,bus=hda.0,audiodev=sound");
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, ct);
        var list = new byte[4096];
        WriteEntry(list, Buffers, FirstBytes, 0);
        WriteEntry(list.AsSpan(16), Buffers + FirstBytes, RingBytes - FirstBytes, TellsWhenDone);
        new DevicePages(pair).Put(DevicePages.Low, list, "before the migration");
        var stream = new Stream(pair);
        stream.Play(DevicePages.Low, entries: 2, RingBytes);
        var position = await StopBehindFirstAsync(pair, stream, ct);

        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await DeviceRegisters.UntilBothCompletedAsync(migration, ct);
        var (source, destination) = (pair.Source.Process.QTest!, pair.Destination.Process.QTest!);
        stream.Position(source).ShouldBe(position, "source: where the stream is (LPIB), with the guest stopped");
        stream.IsDone(destination).ShouldBeFalse("destination: whether the stream has told that a buffer is done (BCIS); it was cleared before the migration");
        var arrived = stream.Position(destination);
        await migration.CompleteAsync(ct);
        await UntilAsync(pair.Destination, stream, "play on after the migration", qtest => stream.Position(qtest) != arrived, ct);
        await UntilAsync(pair.Destination, stream, "tell that its second buffer is done", stream.IsDone, ct);
        stream.Clear(destination);
        await UntilAsync(pair.Destination, stream, "tell that its second buffer is done once more", stream.IsDone, ct);
        foreach (var side in pair.Sides)
        {
            stream.Stop(side.Process.QTest!);
        }

        // Last: one that does not play on at all has another fault.
        if (Quirks.StreamBeginsAnew(Environment.Destination.Version))
        {
            arrived.ShouldBe(0u, "destination: where the stream is (LPIB); else the fault is mended: docs/findings.md");
            NoteFault("a stream of intel-hda that plays begins anew on the destination, with the first of its buffers");
        }
        else
        {
            arrived.ShouldBe(position, "destination: where the stream is (LPIB), with the guest stopped on both sides");
        }
    }

    // On a busy machine it may begin anew before the guest is stopped.
    private static async Task<uint> StopBehindFirstAsync(MigrationPair pair, Stream stream, CancellationToken ct)
    {
        var qtest = pair.Source.Process.QTest!;
        while (true)
        {
            await UntilAsync(pair.Source, stream, "play its first buffer", _ => stream.Position(qtest) > FirstBytes, ct);
            await pair.StopSourceAsync(ct);
            stream.Clear(qtest);
            if (stream.Position(qtest) is > FirstBytes and var position)
            {
                return position;
            }

            await pair.ContinueSourceAsync(ct);
        }
    }

    private static Task UntilAsync(MigrationSide side, Stream stream, string what, Func<QTestClient, bool> done, CancellationToken ct) => Poll.UntilAsync(side.Name, $"the HDA's stream to {what}",
        _ => Task.FromResult(done(side.Process.QTest!) ? stream : null), () => $"it is at {stream.Position(side.Process.QTest!)} of {RingBytes} bytes (LPIB)", side.Process.Options.Limits.Command, ct);

    private static void WriteEntry(Span<byte> entry, uint address, uint bytes, uint flags)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(entry, address);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[12..], flags);
    }

    /// <summary>The controller's first output stream, and what its codec plays of it.</summary>
    private sealed class Stream
    {
        public const int Slot = 6;
        private const int GlobalControl = 0x08;
        private const int ImmediateCommand = 0x60;
        private const int ImmediateStatus = 0x68;
        private const uint IsOn = 1;
        private const uint Converter = 2 << 20;
        private const uint SetStream = 0x7_0610;
        private const uint SetFormat = 0x2_0000;

        // 48 kHz, 16 bits, two channels.
        private const uint Format = 0x11;
        private const int First = 0x100;
        private const int StatusAt = First + 3;
        private const int PositionAt = First + 4;
        private const uint Runs = 2;
        private const uint Number = 1 << 20;
        private const byte BufferIsDone = 4;
        private readonly ulong _registers;
        private readonly QTestClient _qtest;

        public Stream(MigrationPair pair)
        {
            var function = new PciFunction(pair, Slot);
            function.Enable();
            (_registers, _qtest) = (function.BaseAddress(0), pair.Holder.Process.QTest!);
        }

        /// <summary>Has it play, on the side that has the guest now.</summary>
        /// <param name="list">The page of its buffer descriptor list.</param>
        /// <param name="entries">How many there are in it.</param>
        /// <param name="bytes">Of all buffers together.</param>
        public void Play(uint list, ushort entries, uint bytes)
        {
            Write(_qtest, GlobalControl, IsOn);
            foreach (var verb in new[] { SetStream, SetFormat | Format })
            {
                Write(_qtest, ImmediateCommand, Converter | verb);
                _qtest.Write(_registers + ImmediateStatus, [1, 0]);
            }

            Write(_qtest, First + 0x08, bytes);
            _qtest.Write(_registers + First + 0x0c, BitConverter.GetBytes((ushort)(entries - 1)));
            _qtest.Write(_registers + First + 0x12, BitConverter.GetBytes((ushort)Format));
            Write(_qtest, First + 0x18, list);
            Write(_qtest, First, Number | Runs);
        }

        /// <summary>How many bytes of the ring it has played.</summary>
        public uint Position(QTestClient qtest) => BitConverter.ToUInt32(qtest.Read(_registers + PositionAt, sizeof(uint)));

        /// <summary>Whether it has told of a buffer that is done.</summary>
        public bool IsDone(QTestClient qtest) => (qtest.ReadByte(_registers + StatusAt) & BufferIsDone) != 0;

        /// <summary>Takes notice of that.</summary>
        public void Clear(QTestClient qtest) => qtest.Write(_registers + StatusAt, [BufferIsDone]);

        /// <summary>Has it play no more.</summary>
        public void Stop(QTestClient qtest) => Write(qtest, First, Number);

        private void Write(QTestClient qtest, int register, uint value) => qtest.Write(_registers + (ulong)register, BitConverter.GetBytes(value));
    }
}
