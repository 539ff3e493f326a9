using System.Text.Json;
using NUnit.Framework;
using QemuMigTest.Migration;
using Shouldly;

namespace QemuMigTest.Tests.Migration;

public sealed class MigrationInfoTests
{
    [Test]
    public void Before_the_first_migration_there_is_nothing()
    {
        var info = new MigrationInfo(JsonElement.Parse("{}"));
        info.Status.ShouldBe(MigrationStatus.None);
        info.SocketAddresses.ShouldBeEmpty();
        (info.ErrorDescription, info.TotalTime, info.DirtySyncCount).ShouldBe((null, null, null));
    }

    [Test]
    public void What_QEMU_says_is_read()
    {
        var info = new MigrationInfo(JsonElement.Parse("""
            {"status": "failed", "error-desc": "no room", "total-time": 12, "downtime": 3, "setup-time": 1,
             "ram": {"transferred": 4096, "remaining": 8192, "dirty-sync-count": 2}, "socket-address": [{"port": "1", "type": "inet", "host": "::1"}]}
            """));
        info.Status.ShouldBe(MigrationStatus.Failed);
        info.ErrorDescription.ShouldBe("no room");
        (info.TotalTime, info.Downtime, info.SetupTime).ShouldBe((12, 3, 1));
        (info.RamTransferred, info.RamRemaining, info.DirtySyncCount).ShouldBe((4096, 8192, 2));
        info.SocketAddresses.ShouldHaveSingleItem().GetProperty("port").GetString().ShouldBe("1");
    }
}
