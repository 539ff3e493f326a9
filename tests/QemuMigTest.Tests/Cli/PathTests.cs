using NUnit.Framework;
using QemuMigTest.Cli;
using QemuMigTest.Cli.Run;
using QemuMigTest.NUnit;
using Shouldly;

namespace QemuMigTest.Tests.Cli;

public sealed class PathTests
{
    private static readonly string[] Paths =
    [
        "/migration/multifd/tcp/tls/psk/match",
        "/migration/multifd/tcp/uri/plain/none",
        "/migration/postcopy-x/plain",
        "/migration/postcopy/plain",
        "/migration/postcopy/recovery/plain",
        "/migration/precopy/tcp/plain",
    ];

    [Test]
    public void A_path_means_itself_and_what_is_below_it_but_not_what_begins_like_it() =>
        Select(["/migration/postcopy"], []).ShouldBe(["/migration/postcopy/plain", "/migration/postcopy/recovery/plain"]);

    [Test]
    public void A_skip_is_stronger_than_a_path() =>
        Select(["/migration/postcopy", "/migration/precopy"], ["/migration/postcopy/recovery"])
            .ShouldBe(["/migration/postcopy/plain", "/migration/precopy/tcp/plain"]);

    [Test]
    public void Paths_that_overlap_select_a_test_once() =>
        Select(["/migration/precopy", "/migration/precopy/tcp/plain"], []).ShouldBe(["/migration/precopy/tcp/plain"]);

    [Test]
    public void Without_paths_all_is_meant_that_is_not_explicit()
    {
        SuiteTest[] tests = [Test("/a/b"), Test("/a/c") with { Explicit = true }];

        PathSelection.Select(tests, [], []).Select(test => test.Path).ShouldBe(["/a/b"]);
        PathSelection.Select(tests, ["/a"], []).Select(test => test.Path).ShouldBe(["/a/b", "/a/c"]);
        PathSelection.Select(tests, [], [], withExplicit: true).Count.ShouldBe(2);
    }

    [Test]
    public void A_skip_that_matches_nothing_is_an_error() =>
        Should.Throw<UsageException>(() => Select([], ["/migration/precopy/tpc"])).Message.ShouldContain("/migration/precopy/tcp");

    [TestCase("postcopy/plain", "/migration/postcopy/plain")]
    [TestCase("/postcopy/recovery", "/migration/postcopy/recovery")]
    [TestCase("tcp/tls", "/migration/multifd/tcp/tls")]
    [TestCase("/migration/precopy/tcp/plian", "/migration/precopy/tcp/plain")]
    [TestCase("/migration/multfd", "/migration/multifd")]
    [TestCase("/Migration/Precopy", "/migration/precopy")]
    [TestCase("/migration/precopy/", "/migration/precopy")]
    [TestCase("/migration/multifd/tcp/plain/none", "/migration/multifd/tcp/uri/plain/none")]
    public void The_nearest_path_is_suggested_first(string written, string nearest) =>
        PathSuggestions.For(written, Paths)[0].ShouldBe(nearest);

    [TestCase("/something/else/altogether")]
    [TestCase("")]
    [TestCase("/")]
    public void Nothing_near_is_no_suggestion(string written) =>
        PathSuggestions.For(written, Paths).ShouldBeEmpty();

    [TestCase("", "the path is empty")]
    [TestCase("migration", "does not begin with '/'")]
    [TestCase("/migration/", "ends with '/'")]
    [TestCase("/migration//x", "has an empty part")]
    [TestCase("/migration/Tcp", "upper-case letter, 'T'")]
    [TestCase("/migration/a b", "has ' ' in it")]
    public void A_bad_path_has_a_reason(string path, string reason) =>
        TestPath.Problem(path).ShouldNotBeNull().ShouldContain(reason);

    [TestCase("/migration/multifd+postcopy/plain")]
    [TestCase("/migration/vcpu_dirty_limit")]
    [TestCase("/migration/precopy/unix/suspend/not-live")]
    public void A_path_of_upstream_is_good(string path) => TestPath.Problem(path).ShouldBeNull();

    private static IEnumerable<string> Select(string[] paths, string[] skips) =>
        PathSelection.Select([.. Paths.Select(Test)], paths, skips).Select(test => test.Path);

    private static SuiteTest Test(string path) => new(path, "Fixture.Method", [], TimeSpan.FromSeconds(60), false, null!);
}
