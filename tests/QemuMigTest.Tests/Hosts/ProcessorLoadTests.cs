using NUnit.Framework;
using QemuMigTest.Hosts;
using Shouldly;

namespace QemuMigTest.Tests.Hosts;

public sealed class ProcessorLoadTests
{
    [TestCase("0.10 0.20 0.30 1/186 742\n", 2, 1)]
    [TestCase("5.00 0.20 0.30 3/186 742\n", 2, 2.5)]
    [TestCase("5.00 0.20 0.30 13/186 742\n", 2, 6.5)]
    [TestCase("99.00 0.20 0.30 13/186 742\n", 2, 8)]
    [TestCase("5.00 0.20 0.30 3/186 742\n", 16, 1)]
    public void It_is_the_mean_of_a_minute_or_what_is_now_for_each_processor(string text, int processors, double load) => ProcessorLoad.Of(text, processors).ShouldBe(load);

    [TestCase("")]
    [TestCase("1,5 0.20 0.30 x/186 742\n")]
    public void What_is_not_understood_is_told(string text) => Should.Throw<FormatException>(() => ProcessorLoad.Of(text, 1)).Message.ShouldContain("/proc/loadavg");

    [Test]
    public void The_kernel_tells_it() => ProcessorLoad.Read().ShouldBeInRange(1, 8);
}
