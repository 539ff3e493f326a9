namespace QemuMigTest.Tests.Guests;

/// <summary>What <c>info registers</c> said on real QEMUs, up to the control registers; line ends are as QEMU sends them.</summary>
internal static class RegisterTexts
{
    /// <summary>QEMU 7.2, TCG, in the loop.</summary>
    public static string Qemu7InLoop { get; } = AsSent("""

        CPU#0
        EAX=00000001 EBX=0061d000 ECX=00000009 EDX=00000001
        ESI=00000009 EDI=06400000 EBP=00001000 ESP=00006f04
        EIP=00007d00 EFL=00000087 [--S--PC] CPL=0 II=0 A20=1 SMM=0 HLT=0
        ES =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        CS =0008 00000000 ffffffff 00cf9a00 DPL=0 CS32 [-R-]
        SS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        DS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        FS =0000 00000000 0000ffff 00009300 DPL=0 DS16 [-WA]
        GS =0000 00000000 0000ffff 00009300 DPL=0 DS16 [-WA]
        LDT=0000 00000000 0000ffff 00008200 DPL=0 LDT
        TR =0000 00000000 0000ffff 00008b00 DPL=0 TSS32-busy
        GDT=     00007d48 00000017
        IDT=     00000000 000003ff
        CR0=00000011 CR2=00000000 CR3=00000000 CR4=00000000
        """);

    /// <summary>QEMU 10.0.2, TCG, in the loop.</summary>
    public static string Qemu10InLoop { get; } = AsSent("""

        CPU#0
        EAX=00000042 EBX=05697000 ECX=00000008 EDX=000003f8
        ESI=00000008 EDI=06400000 EBP=00001000 ESP=00006f04
        EIP=00007d00 EFL=00000087 [--S--PC] CPL=0 II=0 A20=1 SMM=0 HLT=0
        ES =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        CS =0008 00000000 ffffffff 00cf9a00 DPL=0 CS32 [-R-]
        SS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        DS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        FS =0000 00000000 0000ffff 00009300 DPL=0 DS16 [-WA]
        GS =0000 00000000 0000ffff 00009300 DPL=0 DS16 [-WA]
        LDT=0000 00000000 0000ffff 00008200 DPL=0 LDT
        TR =0000 00000000 0000ffff 00008b00 DPL=0 TSS32-busy
        GDT=     00007d48 00000017
        IDT=     00000000 000003ff
        CR0=00000011 CR2=00000000 CR3=00000000 CR4=00000000
        """);

    /// <summary>QEMU 10.0.13, TCG, in the loop.</summary>
    public static string Qemu10Point13InLoop { get; } = AsSent("""

        CPU#0
        EAX=00000001 EBX=0447e000 ECX=00000009 EDX=00000001
        ESI=00000009 EDI=06400000 EBP=00001000 ESP=00006f08
        EIP=00007d00 EFL=00000087 [--S--PC] CPL=0 II=0 A20=1 SMM=0 HLT=0
        ES =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        CS =0008 00000000 ffffffff 00cf9a00 DPL=0 CS32 [-R-]
        SS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        DS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        FS =0000 00000000 0000ffff 00009300 DPL=0 DS16 [-WA]
        GS =0000 00000000 0000ffff 00009300 DPL=0 DS16 [-WA]
        LDT=0000 00000000 0000ffff 00008200 DPL=0 LDT
        TR =0000 00000000 0000ffff 00008b00 DPL=0 TSS32-busy
        GDT=     00007d48 00000017
        IDT=     00000000 000003ff
        CR0=00000011 CR2=00000000 CR3=00000000 CR4=00000000
        """);

    /// <summary>QEMU 11.1.3, TCG, in the loop.</summary>
    public static string Qemu11InLoop { get; } = AsSent("""

        CPU#0
        EAX=00000042 EBX=004f0000 ECX=00000008 EDX=000003f8
        ESI=00000008 EDI=06400000 EBP=00001000 ESP=00006f04
        EIP=00007d00 EFL=00000087 [--S--PC] CPL=0 II=0 A20=1 SMM=0 HLT=0
        ES =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        CS =0008 00000000 ffffffff 00cf9a00 DPL=0 CS32 [-R-]
        SS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        DS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        FS =0000 00000000 0000ffff 00009300 DPL=0 DS16 [-WA]
        GS =0000 00000000 0000ffff 00009300 DPL=0 DS16 [-WA]
        LDT=0000 00000000 0000ffff 00008200 DPL=0 LDT
        TR =0000 00000000 0000ffff 00008b00 DPL=0 TSS32-busy
        GDT=     00007d48 00000017
        IDT=     00000000 000003ff
        CR0=00000011 CR2=00000000 CR3=00000000 CR4=00000000
        """);

    /// <summary>QEMU 11.1.3, KVM, preparing memory.</summary>
    public static string Qemu11KvmPreparing { get; } = AsSent("""

        CPU#0
        EAX=00000041 EBX=001006f8 ECX=00000000 EDX=000003f8
        ESI=00000004 EDI=06400000 EBP=00001000 ESP=00006f04
        EIP=00007c97 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
        ES =0010 00000000 ffffffff 00c09300 DPL=0 DS   [-WA]
        CS =0008 00000000 ffffffff 00c09b00 DPL=0 CS32 [-RA]
        SS =0010 00000000 ffffffff 00c09300 DPL=0 DS   [-WA]
        DS =0010 00000000 ffffffff 00c09300 DPL=0 DS   [-WA]
        FS =0000 00000000 0000ffff 00009300 DPL=0 DS16 [-WA]
        GS =0000 00000000 0000ffff 00009300 DPL=0 DS16 [-WA]
        LDT=0000 00000000 0000ffff 00008200 DPL=0 LDT
        TR =0000 00000000 0000ffff 00008b00 DPL=0 TSS32-busy
        GDT=     00007d48 00000017
        IDT=     00000000 000003ff
        CR0=00000011 CR2=00000000 CR3=00000000 CR4=00000000
        """);

    /// <summary>QEMU 7.2 that was started with -S: 16 bits, no descriptors.</summary>
    public static string Qemu7AtReset { get; } = AsSent("""

        CPU#0
        EAX=00000000 EBX=00000000 ECX=00000000 EDX=00060fb1
        ESI=00000000 EDI=00000000 EBP=00000000 ESP=00000000
        EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
        ES =0000 00000000 0000ffff 00009300
        CS =f000 ffff0000 0000ffff 00009b00
        SS =0000 00000000 0000ffff 00009300
        DS =0000 00000000 0000ffff 00009300
        FS =0000 00000000 0000ffff 00009300
        GS =0000 00000000 0000ffff 00009300
        LDT=0000 00000000 0000ffff 00008200
        TR =0000 00000000 0000ffff 00008b00
        GDT=     00000000 0000ffff
        IDT=     00000000 0000ffff
        CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
        """);

    /// <summary>QEMU 11.1.3 that was started with -S.</summary>
    public static string Qemu11AtReset { get; } = AsSent("""

        CPU#0
        EAX=00000000 EBX=00000000 ECX=00000000 EDX=00060fb1
        ESI=00000000 EDI=00000000 EBP=00000000 ESP=00000000
        EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
        ES =0000 00000000 0000ffff 00009300
        CS =f000 ffff0000 0000ffff 00009b00
        SS =0000 00000000 0000ffff 00009300
        DS =0000 00000000 0000ffff 00009300
        FS =0000 00000000 0000ffff 00009300
        GS =0000 00000000 0000ffff 00009300
        LDT=0000 00000000 0000ffff 00008200
        TR =0000 00000000 0000ffff 00008b00
        GDT=     00000000 0000ffff
        IDT=     00000000 0000ffff
        CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
        """);

    /// <summary>QEMU 11.1.3, TCG, in the BIOS where it moved itself to: 32 bits.</summary>
    public static string Qemu11InBios { get; } = AsSent("""

        CPU#0
        EAX=0000002c EBX=0000001c ECX=095e0047 EDX=00006d47
        ESI=00006d44 EDI=095e0081 EBP=095e0065 ESP=00006cbc
        EIP=085f2ddc EFL=00000012 [----A--] CPL=0 II=0 A20=1 SMM=0 HLT=0
        ES =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        CS =0008 00000000 ffffffff 00cf9b00 DPL=0 CS32 [-RA]
        SS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        DS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        FS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        GS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
        LDT=0000 00000000 0000ffff 00008200 DPL=0 LDT
        TR =0000 00000000 0000ffff 00008b00 DPL=0 TSS32-busy
        GDT=     000f61a0 00000037
        IDT=     000f61de 00000000
        CR0=00000011 CR2=00000000 CR3=00000000 CR4=00000000
        """);

    /// <summary>QEMU 11.1.3, TCG, another boot block in 64-bit mode, at an address in the sector.</summary>
    public static string Qemu11InLongMode { get; } = AsSent("""

        CPU#0
        RAX=0000000080000011 RBX=1122334455667788 RCX=00000000c0000080 RDX=0000000000000000
        RSI=0000000000000000 RDI=0000000000000000 RBP=0000000000000000 RSP=0000000000006f04
        R8 =0000000000000000 R9 =0000000000000000 R10=0000000000000000 R11=0000000000000000
        R12=0000000000000000 R13=0000000000000000 R14=0000000000000000 R15=0000000000000000
        RIP=0000000000007c63 RFL=00000086 [--S--P-] CPL=0 II=0 A20=1 SMM=0 HLT=0
        ES =0000 0000000000000000 0000ffff 00009300 DPL=0 DS   [-WA]
        CS =0008 0000000000000000 ffffffff 00af9a00 DPL=0 CS64 [-R-]
        SS =0000 0000000000000000 0000ffff 00009300 DPL=0 DS   [-WA]
        DS =0000 0000000000000000 0000ffff 00009300 DPL=0 DS   [-WA]
        FS =0000 0000000000000000 0000ffff 00009300 DPL=0 DS   [-WA]
        GS =0000 0000000000000000 0000ffff 00009300 DPL=0 DS   [-WA]
        LDT=0000 0000000000000000 0000ffff 00008200 DPL=0 LDT
        TR =0000 0000000000000000 0000ffff 00008b00 DPL=0 TSS64-busy
        GDT=     0000000000007c65 0000000f
        IDT=     0000000000000000 000003ff
        CR0=80000011 CR2=0000000000000000 CR3=0000000000008000 CR4=00000020
        """);

    private static string AsSent(string text) => text.ReplaceLineEndings("\r\n") + "\r\n";
}
