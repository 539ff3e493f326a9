using NUnit.Framework;
using QemuMigTest.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Processes;

public sealed class HugePagesTests
{
    [TestCase("[always] madvise never\n", true)]
    [TestCase("always [madvise] never\n", false)]
    [TestCase("always madvise [never]\n", false)]
    public void The_setting_that_holds_is_in_brackets(string setting, bool always) => HugePages.IsAlways(setting).ShouldBe(always);
}
