using NUnit.Framework;
using QemuMigTest.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Processes;

public sealed class MemoryUseTests
{
    private const long Limit = 1024 * 1024;

    [TestCase(0, Limit, 304)]
    [TestCase(Limit, long.MaxValue, 1024)]
    public void Anonymous_pages_of_mappings_between_the_limits_are_summed(long least, long limit, long sum) => MemoryUse.Sum("""
        559000000000-5590000fffff rw-p 00000000 00:00 0                          [heap]
        Size:               1023 kB
        Anonymous:           300 kB
        AnonHugePages:       200 kB
        7f0000000000-7f0000100000 rw-p 00000000 00:00 0 
        Anonymous:          1024 kB
        ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
        Anonymous:             4 kB

        """u8, least, limit).ShouldBe(sum);

    [TestCase(0, new[] { "rd", "wr", "ac", "nh", "mr", "um" })]
    [TestCase(Limit, new[] { "rd", "wr", "nh" })]
    [TestCase(2 * Limit, new string[0])]
    public void The_flags_of_large_mappings_are_told(long least, string[] flags) => MemoryUse.Flags("""
        559000000000-5590000fffff rw-p 00000000 00:00 0                          [heap]
        Anonymous:           300 kB
        VmFlags: rd wr ac 
        7f0000000000-7f0000100000 rw-p 00000000 00:00 0 
        Anonymous:          1024 kB
        VmFlags: rd wr nh 
        ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
        VmFlags: mr um 
        """u8, least).ShouldBe(flags, ignoreOrder: true);

    [Test]
    public void What_a_process_has_of_its_own_is_known() => MemoryUse.ReadBelow(Environment.ProcessId, long.MaxValue)!.Value.ShouldBeInRange(1024, 64L * 1024 * 1024);

    [Test]
    public void A_process_that_is_not_there_has_none() => MemoryUse.ReadBelow(int.MaxValue, Limit).ShouldBeNull();
}
