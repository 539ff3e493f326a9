using System.Buffers.Binary;
using System.Text;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Reads the files that QEMU has for a firmware (fw_cfg), by its DMA interface, as the firmware does. The pages of low memory that it uses are zero before and after.</summary>
/// <param name="qtest">The QEMU's.</param>
internal sealed class FirmwareFiles(QTestClient qtest)
{
    private const ushort AddressHigh = 0x514;
    private const ushort AddressLow = 0x518;
    private const uint Access = 0x5_0000;
    private const uint Content = 0x5_1000;
    private const int Largest = 0x3_e000;
    private const int AccessBytes = 16;
    private const uint Select = 1 << 3;
    private const uint Read = 1 << 1;
    private const ushort Directory = 0x19;
    private const int EntryBytes = 64;
    private const int KeyAt = 4;
    private const int NameAt = 8;

    /// <summary>All of a file.</summary>
    /// <param name="name">Such as <c>etc/acpi/tables</c>.</param>
    /// <exception cref="InvalidOperationException">There is none of that name, or it is too large.</exception>
    public byte[] ReadFile(string name)
    {
        var count = BinaryPrimitives.ReadInt32BigEndian(ReadItem(Directory, sizeof(int)));
        var directory = ReadItem(Directory, sizeof(int) + (count * EntryBytes));
        for (var at = sizeof(int); at < directory.Length; at += EntryBytes)
        {
            var entry = directory.AsSpan(at, EntryBytes);
            if (Encoding.ASCII.GetString(entry[NameAt..]).TrimEnd('\0') == name)
            {
                return ReadItem(BinaryPrimitives.ReadUInt16BigEndian(entry[KeyAt..]), BinaryPrimitives.ReadInt32BigEndian(entry));
            }
        }

        throw new InvalidOperationException($"QEMU has no file {name} for its firmware.");
    }

    private byte[] ReadItem(ushort key, int bytes)
    {
        if (bytes > Largest)
        {
            throw new InvalidOperationException($"{bytes} bytes do not fit into low memory.");
        }

        var access = new byte[AccessBytes];
        BinaryPrimitives.WriteUInt32BigEndian(access, ((uint)key << 16) | Select | Read);
        BinaryPrimitives.WriteInt32BigEndian(access.AsSpan(4), bytes);
        BinaryPrimitives.WriteUInt64BigEndian(access.AsSpan(8), Content);
        qtest.Write(Access, access);
        qtest.Out32(AddressHigh, 0);
        // The lower half, big-endian as well, begins it, and it is done when this returns.
        qtest.Out32(AddressLow, BinaryPrimitives.ReverseEndianness(Access));
        var (control, content) = (qtest.Read(Access, sizeof(uint)), qtest.Read(Content, bytes));
        control.ShouldBe(new byte[sizeof(uint)], "what fw_cfg says of a read that is done");
        qtest.Write(Access, new byte[AccessBytes]);
        qtest.Write(Content, new byte[bytes]);
        return content;
    }
}
