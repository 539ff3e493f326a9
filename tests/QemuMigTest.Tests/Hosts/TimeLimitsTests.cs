using NUnit.Framework;
using QemuMigTest.Hosts;
using Shouldly;

namespace QemuMigTest.Tests.Hosts;

public sealed class TimeLimitsTests
{
    [Test]
    public void All_limits_are_stretched_by_the_scale()
    {
        var (one, three) = (new TimeLimits(), new TimeLimits(3));
        foreach (var limit in new Func<TimeLimits, TimeSpan>[] { x => x.Start, x => x.Command, x => x.Step, x => x.Quit, x => x.Kill, x => x.Reap })
        {
            limit(three).ShouldBe(3 * limit(one));
        }
    }

    [Test]
    public void A_scale_below_1_shortens_waits_for_QEMU_but_not_for_the_kernel()
    {
        var short_ = new TimeLimits(0.01);
        short_.Command.ShouldBe(TimeSpan.FromMilliseconds(150));
        (short_.Kill, short_.Reap).ShouldBe((new TimeLimits().Kill, new TimeLimits().Reap));
    }

    [Test]
    public void One_limit_can_be_set_alone_and_the_others_still_follow_the_scale()
    {
        var limits = new TimeLimits(2) with { Command = TimeSpan.FromSeconds(1) };
        (limits.Command, limits.Step).ShouldBe((TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60)));
    }
}
