using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>The other end of a second serial port (COM2), which takes nothing before it is asked to.</summary>
/// <param name="path">The socket's.</param>
internal sealed class SerialPeer(string path) : ChardevPeer(path, "second")
{
    /// <summary>The port's first register.</summary>
    public const ushort Port = 0x2f8;

    /// <summary>The arguments of the QEMU whose port it is.</summary>
    public QemuCommandLine Arguments => Chardev.With("-device", "isa-serial,index=1,chardev=second");

    protected override string Describe(MigrationSide side) => $", line status 0x{side.Process.QTest!.In8(Port + 5):x2}";
}
