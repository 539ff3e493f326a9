using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>The RTC's registers and its CMOS RAM.</summary>
internal static class Cmos
{
    /// <summary>The port that says which register is meant.</summary>
    public const ushort Index = 0x70;

    /// <summary>The port by which that is read and written.</summary>
    public const ushort Data = 0x71;

    /// <summary>Reads a register.</summary>
    public static byte Read(QTestClient qtest, byte register)
    {
        qtest.Out8(Index, register);
        return qtest.In8(Data);
    }

    /// <summary>Writes a register.</summary>
    public static void Write(QTestClient qtest, byte register, byte value)
    {
        qtest.Out8(Index, register);
        qtest.Out8(Data, value);
    }
}
