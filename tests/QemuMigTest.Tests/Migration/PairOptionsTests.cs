using NUnit.Framework;
using QemuMigTest.Migration;
using Shouldly;

namespace QemuMigTest.Tests.Migration;

public sealed class PairOptionsTests
{
    [TestCase(153_600)]
    [TestCase(52_000, 49_000, 52_600)]
    public void Nodes_that_make_the_guest_s_RAM_are_taken(params int[] nodes) => new PairOptions { RamNodesKiB = nodes }.RamNodesKiB.ShouldBe(nodes);

    [TestCase(52_000, 49_000)]
    [TestCase(52_001, 49_000, 52_599)]
    [TestCase(153_604, -4)]
    [TestCase(153_600, 0)]
    public void Nodes_that_do_not_are_refused(params int[] nodes) =>
        Should.Throw<ArgumentException>(() => new PairOptions { RamNodesKiB = nodes }).Message.ShouldContain($"{string.Join(", ", nodes)} KiB do not make 150 MiB");

    [TestCase(0u)]
    [TestCase(100u)]
    public void A_region_that_does_not_fit_is_refused(uint size) => Should.Throw<ArgumentOutOfRangeException>(() => new PairOptions { RegionMiB = size });
}
