using NUnit.Framework;
using QemuMigTest.Oracles;
using Shouldly;

namespace QemuMigTest.Tests.Oracles;

public sealed class DirtyTrackingOracleTests
{
    [TestCase("", 0u)]
    [TestCase("qemu: something else\n", 0u)]
    [TestCase("global_dirty_changed bitmask 0x1\n", 1u)]
    [TestCase("1234@5.678:global_dirty_changed bitmask 0x1\n1234@5.679:global_dirty_changed bitmask 0x0\n", 0u)]
    [TestCase("global_dirty_changed bitmask 0x0\nglobal_dirty_changed bitmask 0x12\nanother line", 0x12u)]
    public void The_last_event_counts(string log, uint mask) => DirtyTrackingOracle.LastOf(log).ShouldBe(mask);
}
