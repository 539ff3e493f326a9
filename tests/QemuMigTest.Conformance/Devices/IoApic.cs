using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>The I/O APIC's redirection entries, as a driver sees them.</summary>
internal static class IoApic
{
    /// <summary>Of an entry's low half: its interrupt is masked.</summary>
    public const uint Masked = 0x1_0000;

    /// <summary>Of an entry's low half: a level-triggered interrupt was handed over, and has no end yet (remote IRR).</summary>
    public const uint HasNoEndYet = 1 << 14;

    private const ulong Index = 0xfec0_0000;
    private const ulong Data = Index + 0x10;

    /// <summary>Writes half of an input's entry: 0 for the low one, 1 for the high one.</summary>
    public static void Write(QTestClient qtest, int line, int half, uint value)
    {
        Select(qtest, line, half);
        qtest.Write(Data, BitConverter.GetBytes(value));
    }

    /// <summary>The low half of an input's entry.</summary>
    public static uint Read(QTestClient qtest, int line)
    {
        Select(qtest, line, 0);
        return BitConverter.ToUInt32(qtest.Read(Data, sizeof(uint)));
    }

    private static void Select(QTestClient qtest, int line, int half) => qtest.Write(Index, [(byte)(0x10 + (2 * line) + half), 0, 0, 0]);
}
