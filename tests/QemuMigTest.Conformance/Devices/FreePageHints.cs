using System.Buffers.Binary;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Drives the free page hints of a virtio-balloon (free-page-hint, since 4.0): in each pass of a migration the device asks, with a number of its own, which pages need not be sent.</summary>
internal sealed class FreePageHints
{
    /// <summary>What the device shows while it wants no hints, and what a driver says when it has no more.</summary>
    public const uint Stop = 0;

    /// <summary>What the device shows when no migration is under way any more: the driver may use what it had given.</summary>
    public const uint Done = 1;

    /// <summary>The number that its first question comes after.</summary>
    public const uint Numbered = 0x8000_0000;

    private const uint PageSize = 4096;
    private const uint QueuePage = 0x6_0000;
    private const uint CommandPage = 0x6_8000;
    private const ulong Feature = 1 << 3;
    private const ushort QueueIndex = 3;
    private const ushort QueueSize = 16;
    private const int CommandAt = 8;
    private readonly MigrationPair _pair;
    private readonly DevicePages _pages;
    private readonly VirtioDevice _device;
    private readonly Virtqueue _queue;

    /// <param name="pair">The pair, started with <see cref="Arguments"/>.</param>
    public FreePageHints(MigrationPair pair)
    {
        (_pair, _pages, _device) = (pair, new(pair), new(pair));
        _device.Begin(Feature);
        _queue = _device.AddQueue(QueueIndex, QueuePage, QueueSize);
        // As Linux does. An interrupt by a line ends a QEMU before 11 under TCG (docs/findings.md).
        _queue.WantNoInterrupts("before the migration");
        _device.Go();
    }

    /// <summary>What a QEMU needs for it.</summary>
    public static QemuCommandLine Arguments { get; } = new QemuCommandLine()
        .With("-object", "iothread,id=hints")
        .With("-device", $"virtio-balloon-pci,addr={VirtioDevice.Slot},disable-legacy=on,free-page-hint=on,iothread=hints");

    /// <summary>The number of its question, or <see cref="Stop"/>, or <see cref="Done"/>.</summary>
    public uint Asked => (uint)_device.ReadConfiguration(CommandAt, sizeof(uint));

    /// <summary>How many requests the device says that it has done.</summary>
    public ushort Taken => _queue.Done;

    /// <summary>Whether the device wants to be told of hints: not while it looks for them all the time.</summary>
    public bool WantsToBeTold => _queue.WantsToBeTold;

    /// <summary>Waits until the device looks for hints by itself, which it does from the answer to its question on.</summary>
    /// <param name="ct">Ends the wait.</param>
    public Task WaitUntilLookingAsync(CancellationToken ct) => Poll.UntilAsync(_pair.Holder.Name, "its virtio-balloon to look for hints", _ => Task.FromResult(_queue.WantsToBeTold ? null : this),
        () => $"it asks with {Asked:x}; {_pair.Holder.Process.LastSeen()}", _pair.Environment.Limits.Command, ct);

    /// <summary>Expects the note in its queue that it need not be told, until <see cref="WaitUntilWantsToBeToldAsync"/>.</summary>
    /// <param name="when">When that is, for the report of damage.</param>
    public void ExpectWantsNotToBeTold(string when) => _queue.ExpectWantsNotToBeTold(when);

    /// <summary>Waits until the device asks with a number that is not an earlier one's.</summary>
    /// <param name="migration">The migration, in its first pass.</param>
    /// <param name="earlier">The earlier one.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <returns>The number.</returns>
    public async Task<uint> WaitUntilAskedAsync(MigrationRun migration, uint earlier, CancellationToken ct)
    {
        uint asked = 0;
        await migration.WaitForInfoAsync($"its virtio-balloon to ask for free pages with another number than {earlier:x}", _ => (asked = Asked) > Numbered && asked != earlier, ct);
        return asked;
    }

    /// <summary>Says which question the hints that follow are for, or that there are no more, and waits until the device has taken it.</summary>
    /// <param name="number">The number of the question, or <see cref="Stop"/>.</param>
    /// <param name="when">When that is, for the report of damage.</param>
    /// <param name="ct">Ends the wait.</param>
    public Task SayAsync(uint number, string when, CancellationToken ct)
    {
        var said = new byte[PageSize];
        BinaryPrimitives.WriteUInt32LittleEndian(said, number);
        _pages.Put(CommandPage, said, when);
        _queue.Submit((CommandPage, sizeof(uint), false));
        return _queue.WaitAsync($"to take the number {number:x}", 0, when, ct);
    }

    /// <summary>Says that pages are free, all in one request, and tells the device.</summary>
    /// <param name="ranges">The first page and how many, of each range.</param>
    public void Offer(params (uint Page, int Pages)[] ranges) => _queue.Submit([.. ranges.Select(range => (range.Page, range.Pages * (int)PageSize, true))]);

    /// <summary>Waits until the device has taken what was offered.</summary>
    /// <param name="when">When that is, for the report of damage.</param>
    /// <param name="ct">Ends the wait.</param>
    public Task WaitUntilTakenAsync(string when, CancellationToken ct) => _queue.WaitAsync("to take free pages", 0, when, ct);

    /// <summary>Tells the device to look, and waits until it does not look for hints any more, which it notes in its queue. To be called at the end: memory is compared then.</summary>
    /// <param name="ct">Ends the wait.</param>
    public Task WaitUntilIdleAsync(CancellationToken ct)
    {
        // One that left while it looked may keep the note until it is told (docs/findings.md).
        _queue.Tell();
        return WaitUntilWantsToBeToldAsync(ct);
    }

    /// <summary>Waits until the device wants to be told of hints.</summary>
    /// <param name="ct">Ends the wait.</param>
    public async Task WaitUntilWantsToBeToldAsync(CancellationToken ct)
    {
        await Poll.UntilAsync(_pair.Holder.Name, "its virtio-balloon to look for no more hints", _ => Task.FromResult(_queue.WantsToBeTold ? this : null),
            () => $"it asks with {Asked:x}; {_pair.Holder.Process.LastSeen()}", _pair.Environment.Limits.Command, ct);
        _queue.ExpectWantsToBeTold("when the device looks for no more");
    }

    /// <summary>Expects of pages that were offered in time that they have not been sent: they are zero on the destination.</summary>
    /// <param name="ranges">The first page and how many, of each range.</param>
    public void ExpectUnsent(params (uint Page, int Pages)[] ranges)
    {
        foreach (var page in ranges.SelectMany(range => Enumerable.Range(0, range.Pages).Select(number => range.Page + ((uint)number * PageSize))))
        {
            _pair.Expect(page, new byte[PageSize], "free, as its driver has said: it need not be sent");
        }
    }
}
