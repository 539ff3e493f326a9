using System.Buffers.Binary;

namespace QemuMigTest.Guests.State;

/// <summary>The state guest (asm/state.S) with its lists of operations and settings patched in: a disk of several sectors, the first of which loads the others.</summary>
/// <remarks>Each of its vCPUs puts known values into all that a guest relies on, and looks at them over and over. It writes 'A' and 'B' on its serial line as the other
/// guest program does, and a line for each damage: <see cref="StateDamage"/>.</remarks>
public sealed class StateProgram
{
    /// <summary>A CPU of which TCG can do all from 7.2 on, with AVX and protection keys. XSAVEOPT is there because TCG refuses CR4.OSXSAVE without.</summary>
    public const string TcgCpu = "qemu64,+xsave,+xsaveopt,+avx,+avx2,+rdtscp,+fsgsbase,+pku,+smep,+ssse3,+sse4.1,+sse4.2";

    private const int SectorSize = GuestProgram.SectorSize;

    // 50 ms: QEMU reads the TSC's clock and the other one after the other when it stops and starts them, and may lose its processor in between (3.3 ms seen).
    private const int TcgTscSlack = 5_000_000;
    private const int HardwareTscSlack = 500_000_000;
    private const string ItemPrefix = "item_";

    private readonly Dictionary<uint, string> _nativeNames;

    private StateProgram(byte[] image, GuestSymbols symbols, StateGuestSettings settings, StatePlan plan)
    {
        Image = image;
        Symbols = symbols;
        Settings = settings;
        Plan = plan;
        _nativeNames = symbols.Names.Where(name => name.StartsWith(ItemPrefix, StringComparison.Ordinal))
            .ToDictionary(name => symbols[name], name => name[ItemPrefix.Length..].Replace('_', ' '));
    }

    /// <summary>The disk: whole sectors.</summary>
    public ReadOnlyMemory<byte> Image { get; }

    /// <summary>Sectors of the disk.</summary>
    public int Sectors => Image.Length / SectorSize;

    /// <summary>The program's symbols.</summary>
    public GuestSymbols Symbols { get; }

    /// <summary>What was patched in.</summary>
    public StateGuestSettings Settings { get; }

    /// <summary>The lists.</summary>
    public StatePlan Plan { get; }

    /// <summary>The state guest with these settings and lists.</summary>
    /// <param name="settings">Its settings.</param>
    /// <param name="plan">Its lists.</param>
    /// <param name="emulated">Whether the clocks of CPU and devices are all made of one, as under TCG: then they are compared to the tick.</param>
    /// <exception cref="ArgumentException">The settings are not valid.</exception>
    /// <exception cref="GuestException">The program that was built in is not the one its symbols are of.</exception>
    public static StateProgram Create(StateGuestSettings settings, StatePlan plan, bool emulated)
    {
        using var symbols = new StreamReader(GuestProgram.Resource("bootblocks/state.sym"));
        using var image = new MemoryStream();
        using var program = GuestProgram.Resource("bootblocks/state.bin");
        program.CopyTo(image);
        return Patch(image.ToArray(), GuestSymbols.Parse(symbols.ReadToEnd()), settings, plan, emulated);
    }

    /// <summary>The physical address of what a vCPU tells of itself.</summary>
    public ulong AddressOf(int vcpu) => Symbols["cpu_blocks"] + ((ulong)vcpu * Symbols["cpu_block_size"]);

    /// <summary>The name of an item in a line that tells of damage.</summary>
    public string NameOf(uint item) => item switch
    {
        0 => "nothing",
        <= StateOperation.LastItem when item <= Plan.Names.Count => Plan.Names[(int)item - 1],
        _ when _nativeNames.TryGetValue(item, out var name) && item < Symbols["item_extended_state"] => name,
        _ when item >= Symbols["item_pci"] => $"PCI configuration space of 00:{(item >> 11) & 31:x2}.{(item >> 8) & 7}, offset 0x{item & 0xff:x2}",
        _ when item >= Symbols["item_low_memory"] => $"memory from 0x{(item - Symbols["item_low_memory"]) << 16:x} on, 64 KiB (a sum)",
        _ when item >= Symbols["item_extended_state"] => ExtendedState((int)(item - Symbols["item_extended_state"])),
        _ => $"item 0x{item:x}",
    };

    /// <summary>A copy of the program with settings and lists patched in.</summary>
    internal static StateProgram Patch(ReadOnlySpan<byte> program, GuestSymbols symbols, StateGuestSettings settings, StatePlan plan, bool emulated)
    {
        settings.Validate();
        var tables = (int)(symbols["tables"] - GuestProgram.LoadAddress);
        var magic = (int)(symbols["magic"] - GuestProgram.LoadAddress);
        if (program.Length < SectorSize || tables > program.Length || magic > SectorSize || !program[magic..].StartsWith("STA1"u8))
        {
            throw new GuestException($"The state guest, {program.Length} bytes, and its symbols are not from one assembly. Assemble it again.");
        }

        var lists = plan.Lists.ToList();
        var header = lists.Count * sizeof(ulong);
        var length = tables + header + lists.Sum(list => (list.Operations.Count + 1) * StateOperation.Size);
        var image = new byte[(length + SectorSize - 1) / SectorSize * SectorSize];
        program[..tables].CopyTo(image);
        var at = tables + header;
        foreach (var (symbol, operations) in lists)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan((int)(symbols[symbol] - GuestProgram.LoadAddress)), GuestProgram.LoadAddress + (ulong)at);
            foreach (var operation in operations)
            {
                operation.WriteTo(image.AsSpan(at));
                at += StateOperation.Size;
            }

            // A list ends with an operation of zeros.
            at += StateOperation.Size;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan((int)(symbols["sectors_to_load"] - GuestProgram.LoadAddress)), (ushort)((image.Length / SectorSize) - 1));
        Set("vcpus", settings.Vcpus);
        Set("late_vcpus", settings.LateVcpus);
        Set("late_halt", settings.LateVcpusHalt ? 1 : 0);
        Set("laps_per_marker", settings.LapsPerMarker);
        Set("spin_count", settings.SpinCount);
        Set("exact_clocks", emulated ? 1 : 0);
        Set("tsc_slack", emulated ? TcgTscSlack : HardwareTscSlack);
        return new StateProgram(image, symbols, settings, plan);

        void Set(string name, int value) => BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan((int)(symbols[name] - GuestProgram.LoadAddress)), value);
    }

    // The layout of an XSAVE area in its standard form.
    private static string ExtendedState(int offset) => offset switch
    {
        0 => "FCW, FSW, FTW and FOP",
        8 => "FIP",
        16 => "FDP",
        24 => "MXCSR",
        >= 32 and < 160 => $"ST{(offset - 32) / 16}, {Half(offset)}",
        >= 160 and < 416 => $"XMM{(offset - 160) / 16}, {Half(offset)}",
        512 => "XSTATE_BV",
        >= 576 and < 832 => $"YMM{(offset - 576) / 16}, upper lane, {Half(offset)}",
        _ => $"XSAVE area at 0x{offset:x}",
    };

    private static string Half(int offset) => offset % 16 == 0 ? "low half" : "high half";
}
