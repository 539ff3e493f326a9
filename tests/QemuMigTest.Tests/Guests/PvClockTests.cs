using System.Buffers.Binary;
using NUnit.Framework;
using QemuMigTest.Guests;
using Shouldly;

namespace QemuMigTest.Tests.Guests;

[Parallelizable(ParallelScope.All)]
public sealed class PvClockTests
{
    private const int Page = 4096;

    [TestCase(0)]
    [TestCase(0x840)]
    [TestCase(0x844)]
    [TestCase(Page - PvClock.Bytes)]
    public void A_clock_that_KVM_has_written_anew_is_no_damage(int at) =>
        PvClock.IsAllThatDiffers(With(at, version: 4, time: 1000), With(at, version: 10, time: 2000, flags: 1)).ShouldBeTrue();

    [Test]
    public void Pages_that_are_equal_differ_in_nothing() => PvClock.IsAllThatDiffers(With(64, 4, 1000), With(64, 4, 1000)).ShouldBeFalse();

    [Test]
    public void A_byte_beside_the_clock_is_damage([Values(0x83f, 0x860, 0, Page - 1)] int at)
    {
        var after = With(0x840, version: 10, time: 2000);
        after[at] ^= 1;
        PvClock.IsAllThatDiffers(With(0x840, version: 4, time: 1000), after).ShouldBeFalse();
    }

    [TestCase(3, 1000, 10, 2000, TestName = "A version that is odd is damage")]
    [TestCase(4, 1000, 9, 2000, TestName = "A new version that is odd is damage")]
    [TestCase(10, 1000, 4, 2000, TestName = "A version that goes back is damage")]
    [TestCase(4, 2000, 10, 1000, TestName = "A time that goes back is damage")]
    [TestCase(0, 0, 2, 1000, TestName = "A clock where none was is damage")]
    [TestCase(4, 1000, 0, 0, TestName = "A clock that is lost is damage")]
    public void Anything_else_is_damage(int version, int time, int newVersion, int newTime) =>
        PvClock.IsAllThatDiffers(With(0x840, version, time), With(0x840, newVersion, newTime)).ShouldBeFalse();

    [Test]
    public void Bytes_that_are_no_clock_are_damage()
    {
        var before = new byte[Page];
        before.AsSpan(0x840, PvClock.Bytes).Fill(0x22);
        var after = before.ToArray();
        after[0x840] = 0x24;
        PvClock.IsAllThatDiffers(before, after).ShouldBeFalse();
    }

    private static byte[] With(int at, int version, int time, byte flags = 0)
    {
        var page = new byte[Page];
        var clock = page.AsSpan(at, PvClock.Bytes);
        BinaryPrimitives.WriteInt32LittleEndian(clock, version);
        BinaryPrimitives.WriteInt64LittleEndian(clock[8..], time * 3L);
        BinaryPrimitives.WriteInt64LittleEndian(clock[16..], time);
        BinaryPrimitives.WriteUInt32LittleEndian(clock[24..], time == 0 ? 0 : 0x8000_0001);
        clock[28] = time == 0 ? (byte)0 : (byte)0xff;
        clock[29] = flags;
        return page;
    }
}
