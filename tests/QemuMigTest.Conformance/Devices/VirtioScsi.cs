using System.Buffers.Binary;
using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A virtio-scsi controller and its driver, which has one command under way at most.</summary>
internal sealed class VirtioScsi
{
    /// <summary>What a block of its disks has, bytes.</summary>
    public const int BlockBytes = 512;

    private const uint PageSize = 4096;
    private const uint Events = DevicePages.Low;
    private const uint Commands = Events + (Virtqueue.Pages * PageSize);
    private const uint EventPage = Commands + (Virtqueue.Pages * PageSize);
    private const uint HeaderPage = EventPage + PageSize;
    private const uint DataPage = HeaderPage + PageSize;
    private const ulong TellsOfChanges = 1UL << 2;
    private const int EventBytes = 16;
    private const uint ParametersChanged = 3;
    private const int RequestBytes = 51;
    private const int CommandAt = 19;
    private const int ResponseAt = 0x100;
    private const int SenseAt = 12;
    private const int ResponseBytes = SenseAt + 96;
    private readonly MigrationPair _pair;
    private readonly DevicePages _pages;
    private readonly Virtqueue _events;
    private readonly Virtqueue _commands;

    /// <param name="pair">The pair; it is told of all pages that are written.</param>
    public VirtioScsi(MigrationPair pair)
    {
        (_pair, _pages, Device) = (pair, new(pair), new(pair));
        Device.Begin(TellsOfChanges);
        // Without the queue of task management, which it has no use for.
        (_events, _commands) = (Device.AddQueue(1, Events), Device.AddQueue(2, Commands));
        Device.Go();
        WantEvent();
    }

    /// <summary>The arguments of a side that has it.</summary>
    /// <param name="disks">Its disks, each with its backend (<c>file,filename=…</c>).</param>
    public static QemuCommandLine Arguments(params (ScsiUnit Unit, string Backend)[] disks) => new QemuCommandLine()
        .With("-device", $"virtio-scsi-pci,id=scsi,addr={VirtioDevice.Slot},disable-legacy=on")
        .With(disks.SelectMany(disk => (string[])
        [
            // No format on top: with one, 10.2 and later tell twice of another size.
            "-blockdev", $"driver={disk.Backend},node-name={disk.Unit}",
            "-device", $"scsi-hd,bus=scsi.0,scsi-id={disk.Unit.Target},lun={disk.Unit.Number},drive={disk.Unit}",
        ]));

    /// <summary>The device.</summary>
    public VirtioDevice Device { get; }

    /// <summary>Sends a command and waits for what becomes of it.</summary>
    /// <param name="unit">To which disk.</param>
    /// <param name="command">The command (CDB).</param>
    /// <param name="answer">How many bytes the disk is to answer, with which it fills them.</param>
    /// <param name="data">What it gets, instead; at most a page.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task<ScsiReply> SendAsync(ScsiUnit unit, byte[] command, CancellationToken ct, int answer = 0, byte[]? data = null)
    {
        var (when, qtest) = (When, _pair.Holder.Process.QTest!);
        var page = new byte[PageSize];
        unit.Bytes.CopyTo(page, 0);
        command.CopyTo(page, CommandAt);
        page.AsSpan(ResponseAt, ResponseBytes).Fill(0xee);
        _pages.Put(HeaderPage, page, when);
        _pages.Put(DataPage, [.. data ?? [], .. new byte[PageSize - (data?.Length ?? 0)]], when);
        List<(uint, int, bool)> buffers = [(HeaderPage, RequestBytes, false), (HeaderPage + ResponseAt, ResponseBytes, true)];
        if (data is not null)
        {
            buffers.Insert(1, (DataPage, data.Length, false));
        }
        else if (answer > 0)
        {
            buffers.Add((DataPage, answer, true));
        }

        _commands.Submit([.. buffers]);
        // QEMU counts what the disk gets, too.
        await _commands.WaitAsync($"to execute SCSI command 0x{command[0]:x2} of {unit}", ResponseBytes + answer + (data?.Length ?? 0), when, ct);
        page = qtest.Read(HeaderPage, (int)PageSize);
        var content = qtest.Read(DataPage, (int)PageSize);
        _pair.Expect(HeaderPage, page, $"by its virtio-scsi, {when}");
        _pair.Expect(DataPage, content, $"by its virtio-scsi, {when}");
        var (response, sense) = (page[ResponseAt..], page[(ResponseAt + SenseAt)..]);
        response[11].ShouldBe((byte)0, $"virtio-scsi's response to SCSI command 0x{command[0]:x2} of {unit}, {when}");
        return response[10] == 0
            ? new(0, 0, 0, content[..answer])
            : new(response[10], sense[2] & 0xf, BinaryPrimitives.ReadUInt16BigEndian(sense.AsSpan(12)), []);
    }

    /// <summary>Has QEMU give a disk another size, and waits for the event that tells the guest.</summary>
    public async Task ResizeAsync(ScsiUnit unit, uint blocks, CancellationToken ct)
    {
        const uint CapacityChanged = 0x092a;
        await _pair.Holder.ExecuteAsync("block_resize", new JsonObject { ["node-name"] = $"{unit}", ["size"] = blocks * BlockBytes }, ct);
        await _events.WaitAsync($"to tell that the size of {unit} has changed", EventBytes, When, ct);
        var page = new byte[PageSize];
        BinaryPrimitives.WriteUInt32LittleEndian(page, ParametersChanged);
        (page[4], page[5], page[7]) = (1, (byte)unit.Target, (byte)unit.Number);
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(12), CapacityChanged);
        var seen = _pair.Holder.Process.QTest!.Read(EventPage, EventBytes);
        Convert.ToHexString(seen).ShouldBe(Convert.ToHexString(page, 0, EventBytes), $"virtio-scsi's event, {When}: the capacity of {unit} has changed");
        _pair.Expect(EventPage, page, $"by its virtio-scsi, {When}");
    }

    /// <summary>Lets the device tell of one event more.</summary>
    public void WantEvent()
    {
        _pages.Clear(EventPage, When);
        _events.Submit((EventPage, EventBytes, true));
        _events.Expect(When);
    }

    private string When => _pair.Holder == _pair.Source ? "before the switchover" : "after the switchover";
}

/// <summary>A disk's address.</summary>
/// <param name="Target">0 to 255.</param>
/// <param name="Number">The LUN, 0 to 255.</param>
internal sealed record ScsiUnit(int Target, int Number)
{
    /// <summary>The same as virtio-scsi has it.</summary>
    public byte[] Bytes => [1, (byte)Target, 0x40, (byte)Number, 0, 0, 0, 0];

    public override string ToString() => $"disk-{Target}-{Number}";
}

/// <summary>What became of a command.</summary>
/// <param name="Status">0 where it is GOOD, 2 for CHECK CONDITION.</param>
/// <param name="Key">The sense key of one that failed.</param>
/// <param name="Code">Its additional sense code and the qualifier.</param>
/// <param name="Data">What the disk answered.</param>
internal sealed record ScsiReply(int Status, int Key, int Code, byte[] Data)
{
    /// <summary>All but the data, for comparisons.</summary>
    public override string ToString() => Status == 0 ? "GOOD" : $"status {Status}, sense {Key:x}/{Code >> 8:x2}/{Code & 0xff:x2}";
}
