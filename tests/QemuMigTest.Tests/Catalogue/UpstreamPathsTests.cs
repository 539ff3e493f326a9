using NUnit.Framework;
using QemuMigTest.Cli.Catalogue;
using QemuMigTest.NUnit;
using Shouldly;

namespace QemuMigTest.Tests.Catalogue;

public sealed class UpstreamPathsTests
{
    private static readonly IReadOnlyList<UpstreamPath> Paths = UpstreamPaths.Read();

    [Test]
    public void There_are_103_and_each_is_there_once()
    {
        Paths.Count.ShouldBe(103);
        Paths.Select(path => path.Path).ShouldBeUnique();
    }

    [Test]
    public void Each_is_a_path_that_a_test_of_ours_can_have() =>
        Paths.Select(path => TestPath.Problem(path.Path)).OfType<string>().ShouldBeEmpty();

    [Test]
    public void Each_is_of_a_version_that_was_read() =>
        Paths.Select(path => path.Since).Distinct().ShouldBe(["10.2", "11.0"], ignoreOrder: true);
}
