using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>The two PICs, for a guest that takes no interrupts: what has been asked for stays so.</summary>
internal static class Pics
{
    private const ushort First = 0x20;
    private const ushort Second = 0xa0;
    private const byte RequestRegister = 0x0a;
    private const byte ServiceRegister = 0x0b;
    private const byte Poll = 0x0c;
    private const byte Taken = 0x80;
    private const byte SpecificEnd = 0x60;

    /// <summary>Whether a line has asked for an interrupt.</summary>
    public static bool IsRequested(QTestClient qtest, int line) => IsSet(qtest, RequestRegister, line);

    /// <summary>Whether a line's interrupt was taken, and has no end yet.</summary>
    public static bool IsInService(QTestClient qtest, int line)
    {
        var isSet = IsSet(qtest, ServiceRegister, line);
        qtest.Out8(Of(line), RequestRegister);
        return isSet;
    }

    /// <summary>Takes the interrupt that a line has asked for, as a processor that polls does; of that PIC no other line is heard meanwhile.</summary>
    /// <returns>The line that was served, or null where none had asked.</returns>
    public static int? Take(QTestClient qtest, int line)
    {
        var (pic, first) = (Of(line), line / 8 * 8);
        var mask = qtest.In8((ushort)(pic + 1));
        qtest.Out8((ushort)(pic + 1), (byte)~(1 << (line % 8)));
        qtest.Out8(pic, Poll);
        var said = qtest.In8(pic);
        qtest.Out8((ushort)(pic + 1), mask);
        return (said & Taken) == 0 ? null : first + (said & 7);
    }

    /// <summary>Ends a line's interrupt.</summary>
    public static void End(QTestClient qtest, int line) => qtest.Out8(Of(line), (byte)(SpecificEnd | (line % 8)));

    private static ushort Of(int line) => line < 8 ? First : Second;

    private static bool IsSet(QTestClient qtest, byte register, int line)
    {
        qtest.Out8(Of(line), register);
        return (qtest.In8(Of(line)) & (1 << (line % 8))) != 0;
    }

    /// <summary>Initializes both, with all masked: of edges nothing is asked for any more.</summary>
    public static void Forget(QTestClient qtest)
    {
        foreach (var (pic, vector, cascade) in new[] { (First, (byte)0x08, (byte)4), (Second, (byte)0x70, (byte)2) })
        {
            qtest.Out8(pic, 0x11);
            foreach (var word in new byte[] { vector, cascade, 1, byte.MaxValue })
            {
                qtest.Out8((ushort)(pic + 1), word);
            }

            qtest.Out8(pic, RequestRegister);
        }
    }
}
