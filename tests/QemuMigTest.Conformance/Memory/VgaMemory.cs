using System.Security.Cryptography;
using QemuMigTest.Conformance.Devices;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Memory;

/// <summary>Writes to a VGA's memory in each of the ways that a guest has, by qtest, where the guest is, and knows what must be where. Nobody else does after the boot.</summary>
internal sealed class VgaMemory
{
    /// <summary>Where text is, guest-physical.</summary>
    public const uint Text = 0xb8000;

    private const uint Graphics = 0xa0000;
    private const int Size = 256 * 1024;
    /// <summary>The width of what <see cref="ShowColours"/> shows, pixels.</summary>
    public const ushort ShownWidth = 640;

    private const ushort ShownHeight = 480;

    /// <summary>How many bytes each way of writing writes.</summary>
    public const int Written = 256;
    private const int Planes = 4;
    private const int MemoryBar = 0;

    private const ushort Miscellaneous = 0x3c2;
    private const ushort Sequencer = 0x3c4;
    private const ushort GraphicsController = 0x3ce;
    private const ushort CrtController = 0x3d4;
    private const byte ColourPorts = 0x67;

    // Of the sequencer.
    private const byte PlanesWritten = 2;
    private const byte AllPlanes = 0xf;

    // Of the graphics controller.
    private const byte SetReset = 0;
    private const byte WriteMode = 5;

    private readonly MigrationPair _pair;
    private readonly PciFunction _function;
    private readonly byte[] _content;
    private readonly List<(string How, int First, int Length)> _written = [];

    /// <param name="pair">The pair.</param>
    /// <param name="slot">Where the device is.</param>
    public VgaMemory(MigrationPair pair, int slot)
    {
        (_pair, _function) = (pair, new(pair, slot));
        _content = Read(0, Size);
    }

    /// <summary>Text: even addresses are of plane 0, odd ones of plane 1.</summary>
    /// <param name="offset">Where in the window, even.</param>
    /// <returns>What was written.</returns>
    public byte[] WriteText(int offset)
    {
        Set(planes: 3, sequencerMode: 0x02, graphicsMode: 0x10, graphicsMiscellaneous: 0x0e, underline: 0x1f, crtMode: 0xa3);
        var bytes = RandomNumberGenerator.GetBytes(Written);
        QTest.Write(Text + (uint)offset, bytes);
        Note($"text at 0x{Text + offset:x}", offset / 2, Written / 2, (at, plane) => plane < 2 ? bytes[(2 * at) + plane] : null);
        return bytes;
    }

    /// <summary>Pixels of 16 colours, by planes: each byte goes to all of some planes (write mode 0).</summary>
    /// <param name="offset">Where in the window.</param>
    /// <param name="planes">Which, a bit each.</param>
    public void WritePlanes(int offset, byte planes)
    {
        SetPlanar(planes, 0);
        var bytes = RandomNumberGenerator.GetBytes(Written);
        QTest.Write(Graphics + (uint)offset, bytes);
        Note($"planes 0x{planes:x} at 0x{Graphics + offset:x}, write mode 0", offset, Written, (at, plane) => Has(planes, plane) ? bytes[at] : null);
    }

    /// <summary>Copies of pixels, all planes of them at once, by way of the latches (write mode 1).</summary>
    /// <param name="from">Where in the window they are.</param>
    /// <param name="offset">Where in the window they go.</param>
    public void CopyPlanes(int from, int offset)
    {
        SetPlanar(AllPlanes, 1);
        var earlier = _content.ToArray();
        for (var at = 0u; at < Written; at++)
        {
            QTest.ReadByte(Graphics + (uint)from + at);
            QTest.Write(Graphics + (uint)offset + at, [0]);
        }

        Note($"planes at 0x{Graphics + offset:x}, write mode 1", offset, Written, (at, plane) => earlier[((from + at) * Planes) + plane]);
    }

    /// <summary>Eight pixels of a colour each, which is the byte (write mode 2).</summary>
    /// <param name="offset">Where in the window.</param>
    public void WriteColours(int offset)
    {
        SetPlanar(AllPlanes, 2);
        var bytes = RandomNumberGenerator.GetBytes(Written);
        QTest.Write(Graphics + (uint)offset, bytes);
        Note($"planes at 0x{Graphics + offset:x}, write mode 2", offset, Written, (at, plane) => Has(bytes[at], plane) ? byte.MaxValue : (byte)0);
    }

    /// <summary>Those of eight pixels whose bits are set in the byte get a colour, the others are the latches' (write mode 3).</summary>
    /// <param name="offset">Where in the window.</param>
    /// <param name="colour">Which, 0 to 15.</param>
    public void WriteThroughMask(int offset, byte colour)
    {
        SetPlanar(AllPlanes, 3);
        Out(GraphicsController, SetReset, colour);
        var (bytes, latches) = (RandomNumberGenerator.GetBytes(Written), _content[(offset * Planes)..((offset + 1) * Planes)]);
        QTest.ReadByte(Graphics + (uint)offset);
        QTest.Write(Graphics + (uint)offset, bytes);
        Note($"planes at 0x{Graphics + offset:x}, write mode 3", offset, Written, (at, plane) => (byte)(((Has(colour, plane) ? byte.MaxValue : 0) & bytes[at]) | (latches[plane] & ~bytes[at])));
    }

    /// <summary>Pixels of 256 colours, a byte each: the planes are chained (chain-4).</summary>
    /// <param name="offset">Where in the window, a multiple of 4.</param>
    /// <param name="planes">The planes that may be written, a bit each; with fewer than all of them, every fourth pixel or so stays.</param>
    public void WriteChained(int offset, byte planes = AllPlanes)
    {
        Set(planes, sequencerMode: 0x0e, graphicsMode: 0x40, graphicsMiscellaneous: 0x05, underline: 0x40, crtMode: 0xa3);
        var bytes = RandomNumberGenerator.GetBytes(Written);
        QTest.Write(Graphics + (uint)offset, bytes);
        Note($"chained planes 0x{planes:x} at 0x{Graphics + offset:x}", offset / Planes, Written / Planes, (at, plane) => Has(planes, plane) ? bytes[(at * Planes) + plane] : null);
    }

    /// <summary>The memory itself, as PCI has it.</summary>
    /// <param name="offset">Where, a multiple of 4.</param>
    public void WriteLinear(int offset)
    {
        var bytes = RandomNumberGenerator.GetBytes(Written);
        QTest.Write(_function.BaseAddress(MemoryBar) + (ulong)offset, bytes);
        Note($"the memory at 0x{offset:x}", offset / Planes, Written / Planes, (at, plane) => bytes[(at * Planes) + plane]);
    }

    /// <summary>Shows 256 colours, a byte a pixel, from the beginning of its memory (Bochs' VBE extensions), of which two are set: 1 and 2.</summary>
    public static void ShowColours(QTestClient qtest)
    {
        const ushort Index = 0x1ce, Data = 0x1d0, Status = 0x3da, Attribute = 0x3c0, PaletteIndex = 0x3c8, PaletteData = 0x3c9;
        const ushort Width = 1, Height = 2, Depth = 3, Enabled = 4, OnWithLinearMemory = 0x41;
        foreach (var (register, value) in new (ushort, ushort)[] { (Enabled, 0), (Width, ShownWidth), (Height, ShownHeight), (Depth, 8), (Enabled, OnWithLinearMemory) })
        {
            qtest.Out16(Index, register);
            qtest.Out16(Data, value);
        }

        // Reading makes the next byte an index; with this bit the screen is on.
        qtest.In8(Status);
        qtest.Out8(Attribute, 0x20);
        foreach (byte colour in new[] { 1, 2 })
        {
            qtest.Out8(PaletteIndex, colour);
            for (var part = 0; part < 3; part++)
            {
                qtest.Out8(PaletteData, (byte)((colour * 20) + part));
            }
        }
    }

    /// <summary>What was written and is not there, each in words.</summary>
    public IReadOnlyList<string> Missing() =>
        [.. _written.Select(range => (range.How, range.First, Expected: _content.AsSpan(range.First, range.Length).ToArray(), Seen: Read(range.First, range.Length)))
            .Where(range => !range.Seen.AsSpan().SequenceEqual(range.Expected))
            .Select(range => $"{range.How}, which is 0x{range.First:x} of the VGA's memory: expected {Convert.ToHexStringLower(range.Expected[..16])}…, seen {Convert.ToHexStringLower(range.Seen[..16])}…")];

    private QTestClient QTest => _pair.Holder.Process.QTest!;

    private static bool Has(byte bits, int plane) => (bits & (1 << plane)) != 0;

    private byte[] Read(int offset, int length) => QTest.Read(_function.BaseAddress(MemoryBar) + (ulong)offset, length);

    // In QEMU's memory the planes' bytes are side by side.
    private void Note(string how, int first, int count, Func<int, int, byte?> written)
    {
        for (var at = 0; at < count; at++)
        {
            for (var plane = 0; plane < Planes; plane++)
            {
                ref var content = ref _content[((first + at) * Planes) + plane];
                content = written(at, plane) ?? content;
            }
        }

        _written.Add((how, first * Planes, count * Planes));
    }

    private void SetPlanar(byte planes, byte writeMode) => Set(planes, sequencerMode: 0x06, graphicsMode: writeMode, graphicsMiscellaneous: 0x05, underline: 0, crtMode: 0xe3);

    private void Set(byte planes, byte sequencerMode, byte graphicsMode, byte graphicsMiscellaneous, byte underline, byte crtMode)
    {
        QTest.Out8(Miscellaneous, ColourPorts);
        Out(Sequencer, PlanesWritten, planes);
        Out(Sequencer, 4, sequencerMode);
        // No colour of its own, nothing rotated, plane 0 read, all bits written.
        foreach (var (register, value) in new (byte, byte)[] { (SetReset, 0), (1, 0), (3, 0), (4, 0), (WriteMode, graphicsMode), (6, graphicsMiscellaneous), (8, byte.MaxValue) })
        {
            Out(GraphicsController, register, value);
        }

        Out(CrtController, 0x14, underline);
        Out(CrtController, 0x17, crtMode);
    }

    private void Out(ushort port, byte register, byte value)
    {
        QTest.Out8(port, register);
        QTest.Out8((ushort)(port + 1), value);
    }
}
