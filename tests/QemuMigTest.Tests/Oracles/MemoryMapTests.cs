using NUnit.Framework;
using QemuMigTest.Oracles;
using Shouldly;

namespace QemuMigTest.Tests.Oracles;

public class MemoryMapTests
{
    private const string Two = """
        FlatView #0
         AS "e1000", root: bus master container
         Root memory region: (none)
          No rendered FlatView

        FlatView #1
         AS "memory", root: system
         AS "cpu-memory-0", root: system
         Root memory region: system
          0000000000000000-000000000009ffff (prio 0, ram): pc.ram
          00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem

        """;

    [Test]
    public void Each_space_of_a_processor_has_the_ranges_of_its_view()
    {
        var map = MemoryMap.Parse(Two);
        map.ShouldContain("cpu-memory-0, root: system: 0000000000000000-000000000009ffff (prio 0, ram): pc.ram");
        map.Count.ShouldBe(6);
    }

    [Test]
    public void The_order_of_views_does_not_matter_and_one_range_that_is_other_memory_does()
    {
        var parts = Two.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        MemoryMap.Missing(MemoryMap.Parse(Two), MemoryMap.Parse($"{parts[1]}\n\n{parts[0]}\n")).ShouldBeEmpty();
        var other = MemoryMap.Parse(Two.Replace("ram): pc.ram", "rom): pc.ram", StringComparison.Ordinal));
        MemoryMap.Missing(MemoryMap.Parse(Two), other).ShouldBe(["cpu-memory-0, root: system: 0000000000000000-000000000009ffff (prio 0, ram): pc.ram", "memory, root: system: 0000000000000000-000000000009ffff (prio 0, ram): pc.ram"]);
    }

    [Test]
    public void A_range_that_is_there_once_less_is_missing()
    {
        MemoryMap.Missing(["a", "a", "b"], ["a", "b", "c"]).ShouldBe(["a"]);
    }
}
