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

    private const ulong PageSize = GuestProgramSettings.PageSize;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(PieceBytes);
    private NativeMemoryFile? _file;

    /// <summary>Reads bytes of guest-physical memory, all of them RAM, of one block or several, and hands them on in pieces, in order.</summary>
    /// <param name="address">The first byte's guest-physical address.</param>
    /// <param name="length">How many bytes, above 0.</param>
    /// <param name="use">What is done with each piece.</param>
    /// <param name="ct">Ends the wait for QEMU.</param>
    /// <exception cref="GuestException">It is not RAM.</exception>
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

    /// <summary>Opens bytes of guest-physical memory, all of them RAM, for reading. Parameters and exceptions as in <see cref="ReadAsync"/>.</summary>
    public async Task<GuestMemoryReader> OpenAsync(ulong address, long length, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        if (!throughQemu)
        {
            var extents = await FindInProcessAsync(address, length, ct);
            if (MayRead(extents[0].Host))
            {
                return new GuestMemoryReader(address, length, (offset, piece) => ReadFromProcess(extents, address + (ulong)offset, piece));
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

    private void ReadFromProcess(IReadOnlyList<Extent> extents, ulong address, Span<byte> piece)
    {
        foreach (var extent in extents)
        {
            if (address >= extent.End || piece.IsEmpty)
            {
                continue;
            }

            var host = extent.Host + (address - extent.Start);
            var part = piece[..(int)Math.Min((ulong)piece.Length, extent.End - address)];
            var error = ProcessMemory.Read(process.Child.Id, host, part);
            if (error != 0)
            {
                throw new GuestException($"{process.Name}: {part.Length} bytes of RAM at 0x{address:x}, 0x{host:x} in QEMU's process, cannot be read: {Stdlib.strerror(error)}");
            }

            address += (ulong)part.Length;
            piece = piece[part.Length..];
        }
    }

    private async Task<IReadOnlyList<Extent>> FindInProcessAsync(ulong address, long length, CancellationToken ct)
    {
        var extents = new List<Extent>();
        var end = address + (ulong)length;
        var last = await FindInProcessAsync(end - 1, ct);
        for (var start = address; start < end;)
        {
            var first = await FindInProcessAsync(start, ct);
            bool IsBehindFirst(ulong at, (string Block, ulong Address) found) => found.Block == first.Block && found.Address - first.Address == at - start;
            var extentEnd = end;
            if (!IsBehindFirst(end - 1, last))
            {
                // Blocks begin and end with pages.
                var inside = start / PageSize;
                var outside = (end - 1) / PageSize;
                while (outside - inside > 1)
                {
                    var middle = inside + ((outside - inside) / 2);
                    if (IsBehindFirst(middle * PageSize, await FindInProcessAsync(middle * PageSize, ct)))
                    {
                        inside = middle;
                    }
                    else
                    {
                        outside = middle;
                    }
                }

                extentEnd = outside > inside
                    ? outside * PageSize
                    : throw new GuestException($"{process.Name}: gpa2hva has 0x{start:x} at 0x{first.Address:x} of {first.Block}, and 0x{end - 1:x}, in the same page, at 0x{last.Address:x} of {last.Block}.");
            }

            extents.Add(new Extent(start, extentEnd, first.Address));
            start = extentEnd;
        }

        return extents;
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

    // Guest-physical addresses that are next to each other in QEMU's process too, and the address there of the first.
    private readonly record struct Extent(ulong Start, ulong End, ulong Host);
}
