using NUnit.Framework;
using QemuMigTest.Migration.Channels;
using Shouldly;

namespace QemuMigTest.Tests.Migration.Channels;

public sealed class TlsRecordsTests
{
    // A handshake of three bytes, application data of none, and of 16 KiB with what encryption adds.
    private static readonly byte[] Records = [22, 3, 1, 0, 3, 1, 2, 3, 23, 3, 3, 0, 0, 23, 3, 3, 0x40, 0x11, .. new byte[0x4011]];

    [Test]
    public void Records_are_told_however_they_come([Values(1, 2, 3, 5, 7, 4096, int.MaxValue)] int piece) => AreAll(Records, piece).ShouldBeTrue();

    [Test]
    public void Nothing_is_nothing_else() => new TlsRecords().AreAll.ShouldBeTrue();

    [TestCase(0, 0x51, TestName = "A migration stream's magic")]
    [TestCase(1, 2, TestName = "Another version")]
    [TestCase(3, 0xff, TestName = "A record that is too long")]
    [TestCase(8, 24, TestName = "A type that is none, behind a record")]
    public void One_byte_that_is_not_as_it_must_be_is_seen(int at, int value)
    {
        var bytes = Records.ToArray();
        bytes[at] = (byte)value;
        AreAll(bytes, 4).ShouldBeFalse();
    }

    [Test]
    public void Plain_bytes_behind_records_are_seen() => AreAll([.. Records, .. "QEVM!"u8], 4096).ShouldBeFalse();

    private static bool AreAll(byte[] bytes, int piece)
    {
        var records = new TlsRecords();
        foreach (var part in bytes.Chunk(Math.Min(piece, bytes.Length)))
        {
            records.Add(part);
        }

        return records.AreAll;
    }
}
