using System.Globalization;
using System.Text.RegularExpressions;
using Mono.Unix.Native;
using QemuMigTest.Hosts;
using QemuMigTest.Processes;

namespace QemuMigTest.Guests;

/// <summary>A guest's physical memory, read in bulk, in pieces.</summary>
/// <remarks>
/// RAM is read out of QEMU's process (process_vm_readv) at the address that HMP's <c>gpa2hva</c> (since 2.10) tells: one copy, and no page is
/// mapped for it. Where the kernel does not permit that, QEMU writes it into memory of ours (pmemsave), which takes about twice as long.
/// A page that postcopy has not brought yet makes the reader wait for it: read when the migration has completed.
/// </remarks>
public sealed partial class GuestMemory(QemuProcess process) : IDisposable
{
    /// <summary>The most bytes in one piece, a multiple of the page's size. They are still in the processor's cache when they are looked at.</summary>
    public const int PieceBytes = 1024 * 1024;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(PieceBytes, pinned: true);
    private NativeMemoryFile? _file;
    private bool _notPermitted;

    /// <summary>Reads bytes of guest-physical memory, all of them RAM of one block, and hands them on in pieces, in order.</summary>
    /// <param name="address">The first byte's guest-physical address.</param>
    /// <param name="length">How many bytes, above 0.</param>
    /// <param name="use">What is done with each piece.</param>
    /// <param name="ct">Ends the wait for QEMU.</param>
    /// <exception cref="GuestException">It is not RAM, or not of one block.</exception>
    public async Task ReadAsync(ulong address, long length, GuestMemoryPiece use, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentNullException.ThrowIfNull(use);
        if (!_notPermitted)
        {
            var start = await FindInProcessAsync(address, length, ct);
            _notPermitted = !ReadPieces(address, length, use, (offset, piece) => ReadProcess(start + (ulong)offset, piece));
        }

        if (_notPermitted)
        {
            // QEMU writes into our memory: no disk that may be full, no file to leave behind.
            _file ??= new NativeMemoryFile($"{process.Name}-memory");
            await process.ExecuteAsync("pmemsave", new() { ["val"] = (long)address, ["size"] = length, ["filename"] = _file.Path }, ct);
            ReadPieces(address, length, use, (offset, piece) => RandomAccess.Read(_file.Handle, piece, offset) == piece.Length
                ? true
                : throw new GuestException($"{process.Name}: pmemsave of {length} bytes at 0x{address:x} has written less than 0x{offset + piece.Length:x} bytes."));
        }
    }

    /// <summary>Frees what was read.</summary>
    public void Dispose() => _file?.Dispose();

    private delegate bool PieceReader(long offset, Span<byte> piece);

    private bool ReadPieces(ulong address, long length, GuestMemoryPiece use, PieceReader read)
    {
        for (long done = 0; done < length;)
        {
            var piece = _buffer.AsSpan(0, (int)Math.Min(PieceBytes, length - done));
            if (!read(done, piece))
            {
                return false;
            }

            use(address + (ulong)done, piece);
            done += piece.Length;
        }

        return true;
    }

    private bool ReadProcess(ulong address, Span<byte> piece) => ProcessMemory.Read(process.Child.Id, address, piece) switch
    {
        0 => true,
        Errno.EPERM or Errno.ENOSYS => false,
        var error => throw new GuestException($"{process.Name}: {piece.Length} bytes of the guest's RAM, at 0x{address:x} in QEMU's process, cannot be read: {Stdlib.strerror(error)}"),
    };

    private async Task<ulong> FindInProcessAsync(ulong address, long length, CancellationToken ct)
    {
        var first = await FindInProcessAsync(address, ct);
        var last = await FindInProcessAsync(address + (ulong)length - 1, ct);
        return last.Block == first.Block && last.Address - first.Address == (ulong)length - 1
            ? first.Address
            : throw new GuestException($"{process.Name}: the {length} bytes at 0x{address:x} are not of one block: the first is in {first.Block}, the last in {last.Block}.");
    }

    private async Task<(string Block, ulong Address)> FindInProcessAsync(ulong address, CancellationToken ct)
    {
        var said = (await process.ExecuteAsync("human-monitor-command", new() { ["command-line"] = string.Create(CultureInfo.InvariantCulture, $"gpa2hva 0x{address:x}") }, ct)).GetString()!;
        return HostAddress().Match(said) is { Success: true } found
            ? (found.Groups["block"].Value, ulong.Parse(found.Groups["address"].Value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))
            : throw new GuestException($"{process.Name}: no RAM is known at guest-physical address 0x{address:x}; gpa2hva says: {said.Trim()}");
    }

    [GeneratedRegex(@"\((?<block>[^)]*)\) is 0x(?<address>[0-9a-f]+)\s*$")]
    private static partial Regex HostAddress();
}
