using NUnit.Framework;
using QemuMigTest.Cli.Bench;
using Shouldly;

namespace QemuMigTest.Tests.Bench;

public sealed class UpstreamLogTests
{
    [Test]
    public void Results_have_their_seconds_and_what_was_skipped_has_none()
    {
        var log = UpstreamLog.Parse(
        [
            "  12.34 s  ok 1 /x86_64/migration/precopy/tcp/plain",
            "# random seed: R02S",
            "   0.02 s  ok 2 /x86_64/migration/dirty_ring # SKIP no KVM",
            "   0.50 s  ok 3 - /x86_64/migration/multifd+postcopy/plain",
            "   9.99 s  ok 4 /x86_64/migration/precopy/tcp/plain",
            "total 12.9 s",
        ]);

        log.Seconds.ShouldBe(new Dictionary<string, double> { ["/migration/precopy/tcp/plain"] = 12.34, ["/migration/multifd+postcopy/plain"] = 0.5 });
        log.Skipped.ShouldBe(["/migration/dirty_ring"]);
        log.Failures.ShouldBeEmpty();
    }

    [TestCase("   1.07 s  Bail out! ERROR:../tests/qtest/libqtest.c:1481", "Bail out! ERROR:../tests/qtest/libqtest.c:1481")]
    [TestCase("   1.07 s  not ok 3 /x86_64/migration/bad_dest", "not ok 3 /x86_64/migration/bad_dest")]
    public void What_did_not_pass_is_a_failure(string line, string wanted)
    {
        var log = UpstreamLog.Parse([line]);

        log.Failures.ShouldBe([wanted]);
        log.Seconds.ShouldBeEmpty();
    }
}
