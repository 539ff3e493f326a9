using NUnit.Framework;
using QemuMigTest.Hosts;
using Shouldly;

namespace QemuMigTest.Tests.Hosts;

public sealed class LockedMemoryTests
{
    private const string Head = "Limit                     Soft Limit           Hard Limit           Units";

    [Test]
    public void A_limit_is_told_in_bytes() =>
        LockedMemory.WhyLimited([Head, "Max locked memory         8388608              unlimited            bytes"]).ShouldBe("8388608 bytes of memory that may be locked");

    [Test]
    public void No_limit_is_none() =>
        LockedMemory.WhyLimited([Head, "Max locked memory         unlimited            unlimited            bytes"]).ShouldBeNull();
}
