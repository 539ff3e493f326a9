using System.Numerics;

namespace QemuMigTest.Guests.State;

/// <summary>What each vCPU of the state guest has: MSRs, CPUID, its local APIC.</summary>
internal static class StateProcessors
{
    private const uint Apic = 0xfee0_0000;
    private const uint Masked = 0x1_0000;
    private const int MachineCheckBanks = 10;
    private const uint VariableMtrrs = 8;

    private static readonly (string Name, uint Msr, ulong Value, ulong Step)[] Written =
    [
        ("STAR", 0xc000_0081, 0x0023_0010_1000_0000, 0x11),
        ("LSTAR", 0xc000_0082, 0xffff_ffff_8100_0000, 0x1000),
        ("CSTAR", 0xc000_0083, 0xffff_ffff_8200_0000, 0x1000),
        ("FMASK", 0xc000_0084, 0x4_7700, 1),
        ("FS_BASE", 0xc000_0100, 0x1234_5678_9000, 0x1000),
        ("GS_BASE", 0xc000_0101, 0xffff_8880_1234_0000, 0x1000),
        ("KERNEL_GS_BASE", 0xc000_0102, 0x7fff_1234_5000, 0x1000),
        ("TSC_AUX", 0xc000_0103, 0x51, 0x101),
        ("SYSENTER_CS", 0x174, 0x10, 8),
        ("SYSENTER_ESP", 0x175, 0xffff_c900_0000_3000, 0x1000),
        ("SYSENTER_EIP", 0x176, 0xffff_ffff_8300_0000, 0x1000),
        ("PAT", 0x277, 0x0007_0106_0504_0106, 0),
        .. VariableRanges(),
        .. FixedRanges(),
        // The first vCPU's has less than a new machine's, fast strings, and the others' has more.
        ("MISC_ENABLE", 0x1a0, 0, 8),
        ("VM_HSAVE_PA", 0xc001_0117, 0x24_0000, 0x1000),
    ];

    private static readonly (string Name, uint Msr)[] OnlyRead =
    [
        ("APIC_BASE", 0x1b), ("FEATURE_CONTROL", 0x3a), ("TSC_ADJUST", 0x3b), ("MTRR_CAP", 0xfe), ("MCG_CAP", 0x179), ("MCG_STATUS", 0x17a), ("MCG_CTL", 0x17b),
        ("MTRR_DEF_TYPE", 0x2ff), ("XSS", 0xda0), ("EFER", 0xc000_0080),
    ];

    public static void SetUp(StateList list)
    {
        foreach (var (_, msr, value, step) in Written)
        {
            list.WriteMsr(msr, value, step);
        }

        for (var bank = 0u; bank < MachineCheckBanks; bank++)
        {
            list.WriteMsr(BankAddress(bank), 0x00ab_c000_0000ul + bank, 0x1_0000);
        }

        list.Write32(Apic + 0xd0, 0x1100_0000, 0x100_0000)
            .Write32(Apic + 0xe0, 0x0fff_ffff)
            .Write32(Apic + 0xf0, 0x1cf)
            .Write32(Apic + 0x310, 0x0700_0000)
            .Write32(Apic + 0x330, Masked | 0x51, 4)
            .Write32(Apic + 0x340, Masked | 0x400, 0)
            .Write32(Apic + 0x350, Masked | 0x700)
            .Write32(Apic + 0x360, 0x400)
            .Write32(Apic + 0x370, Masked | 0x53, 4);
    }

    public static void Check(StateList list, bool countsInterrupts)
    {
        foreach (var (name, msr, _, _) in Written)
        {
            list.ReadMsr(name, msr);
        }

        foreach (var (name, msr) in OnlyRead)
        {
            list.ReadMsr(name, msr);
        }

        if (countsInterrupts)
        {
            list.ReadMsr("SMI_COUNT", 0x34);
        }

        for (var bank = 0u; bank < MachineCheckBanks; bank++)
        {
            list.ReadMsr($"MC{bank}_ADDR", BankAddress(bank));
        }

        foreach (var (leaf, part) in new[] { (0u, 0u), (1u, 0u), (7u, 0u), (0xdu, 0u), (0xdu, 1u), (0x8000_0001u, 0u), (0x8000_0008u, 0u) })
        {
            list.Cpuid(leaf, part);
        }

        CheckApic(list);
    }

    private static void CheckApic(StateList list)
    {
        foreach (var (name, offset) in new[]
        {
            ("ID", 0x20u), ("version", 0x30u), ("TPR", 0x80u), ("PPR", 0xa0u), ("LDR", 0xd0u), ("DFR", 0xe0u), ("SVR", 0xf0u), ("ESR", 0x280u), ("ICR", 0x300u), ("ICR, high", 0x310u),
            ("LVT timer", 0x320u), ("LVT thermal", 0x330u), ("LVT performance", 0x340u), ("LVT LINT0", 0x350u), ("LVT LINT1", 0x360u), ("LVT error", 0x370u),
            ("initial count", 0x380u), ("divider", 0x3e0u),
        })
        {
            list.Read32($"local APIC: {name}", Apic + offset);
        }

        for (var part = 0u; part < 8; part++)
        {
            // The timers' vectors, 0xe0 and 0xe2, come and go.
            list.Read32($"local APIC: interrupts in service from 0x{part * 32:x}", Apic + 0x100 + (part * 16))
                .Read32($"local APIC: level-triggered interrupts from 0x{part * 32:x}", Apic + 0x180 + (part * 16))
                .Read32($"local APIC: interrupts pending from 0x{part * 32:x}", Apic + 0x200 + (part * 16), part == 7 ? ~5u : uint.MaxValue);
        }
    }

    private static uint BankAddress(uint bank) => 0x402 + (4 * bank);

    private static IEnumerable<(string Name, uint Msr, ulong Value, ulong Step)> VariableRanges()
    {
        for (var i = 0u; i < VariableMtrrs; i++)
        {
            yield return ($"MTRR_PHYSBASE{i}", 0x200 + (2 * i), 0x8000_0006ul + (i << 24), 0);
            yield return ($"MTRR_PHYSMASK{i}", 0x201 + (2 * i), 0xff_ff00_0000ul | (i % 2 << 11), 0);
        }
    }

    // Each of other memory types than its neighbours.
    private static IEnumerable<(string Name, uint Msr, ulong Value, ulong Step)> FixedRanges() => new (string Name, uint Msr)[]
    {
        ("MTRR_FIX64K_00000", 0x250), ("MTRR_FIX16K_80000", 0x258), ("MTRR_FIX16K_A0000", 0x259), ("MTRR_FIX4K_C0000", 0x268), ("MTRR_FIX4K_C8000", 0x269), ("MTRR_FIX4K_D0000", 0x26a),
        ("MTRR_FIX4K_D8000", 0x26b), ("MTRR_FIX4K_E0000", 0x26c), ("MTRR_FIX4K_E8000", 0x26d), ("MTRR_FIX4K_F0000", 0x26e), ("MTRR_FIX4K_F8000", 0x26f),
    }.Select((register, i) => (register.Name, register.Msr, BitOperations.RotateLeft(i < 8 ? 0x0605_0401_0006_0504ul : 0x0405_0600_0104_0506ul, 8 * (i % 8)), 0ul));
}
