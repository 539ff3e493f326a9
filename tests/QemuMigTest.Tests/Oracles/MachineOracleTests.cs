using NUnit.Framework;
using QemuMigTest.Oracles;
using Shouldly;

namespace QemuMigTest.Tests.Oracles;

public sealed class MachineOracleTests
{
    [TestCase("pic0: irr=10 imr=b8 isr=00", "pic0: irr=10 imr=b8 isr=00", true)]
    [TestCase("pic0: irr=10 imr=b8 isr=00", "pic0: irr=11 imr=b8 isr=00", true, TestName = "The PIT has ticked since")]
    [TestCase("pic0: irr=11 imr=b8 isr=00", "pic0: irr=10 imr=b8 isr=00", false, TestName = "Its interrupt was lost")]
    [TestCase("pic0: irr=10 imr=b8 isr=00", "pic0: irr=11 imr=b9 isr=00", false)]
    [TestCase("pic0: irr=10 imr=b8 isr=00", "pic0: irr=01 imr=b8 isr=00", false)]
    [TestCase("pic1: irr=10 imr=8e isr=00", "pic1: irr=11 imr=8e isr=00", false)]
    [TestCase("CR0=00000011", "CR0=00000010", false)]
    public void Only_the_tick_of_the_PIT_may_have_come_since(string left, string arrived, bool follows) => MachineOracle.Follows(left, arrived).ShouldBe(follows);
}
