using System.Globalization;
using System.Text.RegularExpressions;
using Mono.Unix.Native;
using QemuMigTest.Hosts;
using QemuMigTest.Processes;

namespace QemuMigTest.Guests;

/// <summary>A guest's physical memory, read in bulk, in pieces.</summary>
/// <remarks>
/// RAM is read out of QEMU's process (process_vm_readv) at the address that HMP's <c>gpa2hva</c> (since 2.10) tells: one copy, and no page is
/// mapped for it. Where the kernel does not permit that, QEMU writes it into memory of ours (pmemsave), which costs it as much again.
/// A page that postcopy has not brought yet makes the reader wait for it: read when the migration has completed.
/// </remarks>
/// <param name="process">The QEMU.</param>
/// <param name="throughQemu">Whether QEMU is asked for it in any case.</param>
public sealed partial class GuestMemory(QemuProcess process, bool throughQemu = false) : IDisposable
{
    /// <summary>The most bytes in one piece, a multiple of the page's size. They are still in the processor's cache when they are looked at.</summary>
    public const int PieceBytes = 1024 * 1024;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(PieceBytes);
    private NativeMemoryFile? _file;

    /// <summary>Reads bytes of guest-physical memory, all of them RAM of one block, and hands them on in pieces, in order.</summary>
    /// <param name="address">The first byte's guest-physical address.</param>
    /// <param name="length">How many bytes, above 0.</param>
    /// <param name="use">What is done with each piece.</param>
    /// <param name="ct">Ends the wait for QEMU.</param>
    /// <exception cref="GuestException">It is not RAM, or not of one block.</exception>
    public async Task ReadAsync(ulong address, long length, GuestMemoryPiece use, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(use);
        var reader = await OpenAsync(address, length, ct);
        for (long done = 0; done < length;)
        {
            var piece = _buffer.AsSpan(0, (int)Math.Min(PieceBytes, length - done));
            reader.Read(done, piece);
            use(address + (ulong)done, piece);
            done += piece.Length;
        }
    }

    /// <summary>Opens bytes of guest-physical memory, all of them RAM of one block, for reading. Parameters and exceptions as in <see cref="ReadAsync"/>.</summary>
    public async Task<GuestMemoryReader> OpenAsync(ulong address, long length, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        if (!throughQemu)
        {
            var start = await FindInProcessAsync(address, length, ct);
            if (MayRead(start))
            {
                return new GuestMemoryReader(address, length, (offset, piece) =>
                {
                    var error = ProcessMemory.Read(process.Child.Id, start + (ulong)offset, piece);
                    if (error != 0)
                    {
                        throw new GuestException($"{process.Name}: {piece.Length} bytes of RAM at 0x{address + (ulong)offset:x}, 0x{start + (ulong)offset:x} in QEMU's process, cannot be read: {Stdlib.strerror(error)}");
                    }
                });
            }
        }

        // QEMU writes into our memory: no disk that may be full, no file to leave behind.
        _file ??= new NativeMemoryFile($"{process.Name}-memory");
        await process.ExecuteAsync("pmemsave", new() { ["val"] = (long)address, ["size"] = length, ["filename"] = _file.Path }, ct);
        return new GuestMemoryReader(address, length, (offset, piece) =>
        {
            if (RandomAccess.Read(_file.Handle, piece, offset) != piece.Length)
            {
                throw new GuestException($"{process.Name}: pmemsave of {length} bytes at 0x{address:x} has written less than {offset + piece.Length}.");
            }
        });
    }

    /// <summary>Frees what was read.</summary>
    public void Dispose() => _file?.Dispose();

    private bool MayRead(ulong address)
    {
        Span<byte> probe = stackalloc byte[1];
        return ProcessMemory.Read(process.Child.Id, address, probe) is not (Errno.EPERM or Errno.ENOSYS);
    }

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
