using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>The two PICs, for a guest that takes no interrupts: what has been asked for stays so.</summary>
internal static class Pics
{
    private const ushort First = 0x20;
    private const ushort Second = 0xa0;
    private const byte RequestRegister = 0x0a;

    /// <summary>Whether a line has asked for an interrupt.</summary>
    public static bool IsRequested(QTestClient qtest, int line)
    {
        var pic = line < 8 ? First : Second;
        qtest.Out8(pic, RequestRegister);
        return (qtest.In8(pic) & (1 << (line % 8))) != 0;
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
