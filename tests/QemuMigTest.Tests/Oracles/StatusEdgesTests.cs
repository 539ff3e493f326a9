using NUnit.Framework;
using QemuMigTest.Binaries;
using QemuMigTest.Migration;
using QemuMigTest.Oracles;
using Shouldly;

namespace QemuMigTest.Tests.Oracles;

public sealed class StatusEdgesTests
{
    [TestCase("setup active device completed", "7.2 10.0 11.1")]
    [TestCase("setup wait-unplug active device completed", "10.0")]
    [TestCase("setup active pre-switchover device completed", "7.2 10.0 11.1")]
    [TestCase("setup active completed", "7.2 9.2")]
    [TestCase("setup active failed", "7.2 10.0")]
    [TestCase("setup failed", "7.2 10.0")]
    [TestCase("setup active failing failed", "11.0 11.1")]
    [TestCase("setup failing failed", "11.1")]
    [TestCase("setup cancelling cancelled", "7.2 11.1")]
    [TestCase("setup active pre-switchover cancelling cancelled", "7.2 11.1")]
    [TestCase("setup active failing cancelling cancelled", "11.0 11.1")]
    [TestCase("setup active device postcopy-active completed", "10.0 10.1")]
    [TestCase("setup active postcopy-active completed", "7.2 9.2")]
    [TestCase("setup active pre-switchover postcopy-active completed", "7.2 9.2")]
    [TestCase("setup active device postcopy-device postcopy-active completed", "10.2 11.1")]
    [TestCase("setup active device postcopy-device failing failed", "11.1")]
    [TestCase("setup active postcopy-active postcopy-paused postcopy-recover postcopy-active completed", "7.2 9.0")]
    [TestCase("setup active device postcopy-active postcopy-paused postcopy-recover-setup postcopy-recover postcopy-active completed", "10.0 10.1")]
    [TestCase("setup active device postcopy-active postcopy-paused postcopy-recover-setup postcopy-paused", "10.0")]
    [TestCase("setup active device colo completed", "10.0 11.1")]
    public void A_source_may_take_the_paths_that_its_version_has(string path, string versions) =>
        Each(versions, version => FirstIllegal(StatusEdges.SourceMayGo, path, version).ShouldBeNull());

    [TestCase("setup active completed", "10.0 11.1", "active → completed")]
    [TestCase("setup completed", "7.2 11.1", "setup → completed")]
    [TestCase("active", "7.2 11.1", "none → active")]
    [TestCase("setup active device postcopy-device", "10.0 10.1", "device → postcopy-device")]
    [TestCase("setup active failing", "10.0 10.2", "active → failing")]
    [TestCase("setup active failing completed", "11.1", "failing → completed")]
    [TestCase("setup active device postcopy-active cancelling", "10.0 10.1", "postcopy-active → cancelling")]
    [TestCase("setup active device postcopy-active postcopy-paused postcopy-recover", "9.1 10.1", "postcopy-paused → postcopy-recover")]
    [TestCase("setup active device postcopy-device postcopy-active postcopy-paused postcopy-recover", "10.2 11.1", "postcopy-paused → postcopy-recover")]
    [TestCase("setup active device postcopy-active", "10.2 11.1", "device → postcopy-active")]
    [TestCase("setup active device postcopy-active postcopy-paused postcopy-recover-setup", "7.2 9.0", "postcopy-paused → postcopy-recover-setup")]
    [TestCase("setup active device postcopy-active postcopy-paused completed", "10.0 10.1", "postcopy-paused → completed")]
    [TestCase("setup active failed active", "7.2 11.1", "failed → active")]
    [TestCase("setup active cancelling completed", "7.2 11.1", "cancelling → completed")]
    public void A_source_may_not_take_others(string path, string versions, string illegal) =>
        Each(versions, version => FirstIllegal(StatusEdges.SourceMayGo, path, version).ShouldBe(illegal));

    [TestCase("setup active completed", "7.2 10.0 11.1")]
    [TestCase("setup active failed", "7.2 11.1")]
    [TestCase("setup active postcopy-active completed", "7.2 10.1")]
    [TestCase("setup active postcopy-device postcopy-active completed", "10.2 11.1")]
    [TestCase("setup active postcopy-device failed", "10.2 11.1")]
    [TestCase("setup active postcopy-active postcopy-paused postcopy-recover postcopy-active completed", "10.0 10.1")]
    [TestCase("setup active postcopy-active postcopy-paused setup postcopy-recover postcopy-active completed", "7.2")]
    [TestCase("setup active postcopy-active postcopy-paused postcopy-recover postcopy-paused", "10.0")]
    [TestCase("setup active colo completed", "10.0")]
    public void A_destination_may_take_the_paths_that_its_version_has(string path, string versions) =>
        Each(versions, version => FirstIllegal(StatusEdges.DestinationMayGo, path, version).ShouldBeNull());

    [TestCase("setup completed", "7.2 11.1", "setup → completed")]
    [TestCase("setup active device", "7.2 11.1", "active → device")]
    [TestCase("setup active postcopy-device", "10.1", "active → postcopy-device")]
    [TestCase("setup active postcopy-active postcopy-paused setup", "10.0 10.1", "postcopy-paused → setup")]
    [TestCase("setup active postcopy-active active", "7.2 10.1", "postcopy-active → active")]
    [TestCase("setup active postcopy-device postcopy-active active", "10.2 11.1", "postcopy-active → active")]
    [TestCase("setup active postcopy-active", "10.2 11.1", "active → postcopy-active")]
    [TestCase("setup active completed active", "7.2 11.1", "completed → active")]
    public void A_destination_may_not_take_others(string path, string versions, string illegal) =>
        Each(versions, version => FirstIllegal(StatusEdges.DestinationMayGo, path, version).ShouldBe(illegal));

    private static void Each(string versions, Action<QemuVersion> check)
    {
        foreach (var version in versions.Split(' '))
        {
            var numbers = Version.Parse(version);
            check(new QemuVersion(numbers.Major, numbers.Minor, 0, ""));
        }
    }

    private static string? FirstIllegal(Func<MigrationStatus, MigrationStatus, QemuVersion, bool> mayGo, string path, QemuVersion version)
    {
        var from = MigrationStatus.None;
        foreach (var to in path.Split(' ').Select(name => new MigrationStatus(name)))
        {
            if (!mayGo(from, to, version))
            {
                return $"{from} → {to}";
            }

            from = to;
        }

        return null;
    }
}
