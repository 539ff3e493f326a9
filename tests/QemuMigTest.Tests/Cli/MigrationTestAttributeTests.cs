using NUnit.Framework;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;
using NUnit.Framework.Internal.Commands;
using QemuMigTest.NUnit;
using QemuMigTest.NUnit.Requirements;
using Shouldly;

namespace QemuMigTest.Tests.Cli;

public sealed class MigrationTestAttributeTests
{
    [Test]
    public void A_test_is_named_by_its_path_and_has_each_prefix_as_a_category()
    {
        var test = Build(new MigrationTestAttribute("/migration/multifd+postcopy/plain"));

        test.RunState.ShouldBe(RunState.Runnable);
        test.Name.ShouldBe("/migration/multifd+postcopy/plain");
        test.FullName.ShouldBe("/migration/multifd+postcopy/plain");
        test.Properties["Category"].Cast<string>().ShouldBe(["/migration", "/migration/multifd+postcopy", "/migration/multifd+postcopy/plain"]);
        test.Properties.Get("Path").ShouldBe("/migration/multifd+postcopy/plain");
    }

    [Test]
    public void A_bad_path_can_not_run_and_says_where_and_why()
    {
        var test = Build(new MigrationTestAttribute("/migration/Precopy"));

        test.RunState.ShouldBe(RunState.NotRunnable);
        test.Properties.Get(PropertyNames.SkipReason).ShouldBe(
            $"[MigrationTest] on {GetType().FullName}.{nameof(Sample)}: the path '/migration/Precopy' has an upper-case letter, 'P'.");
    }

    [TestCase(0)]
    [TestCase(-1)]
    [TestCase(double.NaN)]
    public void A_time_limit_that_is_none_can_not_run(double seconds) =>
        Build(new MigrationTestAttribute("/a") { TimeoutSeconds = seconds }).RunState.ShouldBe(RunState.NotRunnable);

    [Test]
    public void The_time_limit_is_read_by_nunit()
    {
        var test = Build(new MigrationTestAttribute("/a") { TimeoutSeconds = 2.5 });

        test.Properties.Get(PropertyNames.Timeout).ShouldBe((int)(2500 * TimeoutScale.Read()));
        test.Properties.Get(PropertyNames.UseCancellation).ShouldBe(true);
    }

    [Test]
    public void Arguments_are_the_values_of_the_parameters_before_the_token()
    {
        var test = Build(new MigrationTestAttribute("/a", "zstd", "postcopy-ram postcopy-preempt", true), nameof(SampleOfThree));

        test.RunState.ShouldBe(RunState.Runnable);
        test.Name.ShouldBe("/a");
        test.Arguments.ShouldBe(["zstd", "postcopy-ram postcopy-preempt", true]);
    }

    [Test]
    public void A_single_null_is_an_argument() => new MigrationTestAttribute("/a", null).Arguments.ShouldBe([null]);

    [Test]
    public void Too_few_arguments_can_not_run() =>
        Build(new MigrationTestAttribute("/a", "zstd"), nameof(SampleOfThree)).RunState.ShouldBe(RunState.NotRunnable);

    [Test]
    public void A_test_needs_what_its_method_needs_and_what_its_arguments_mean()
    {
        Wanted("zstd", "multifd postcopy-preempt", true).ShouldBe([
            "capability events", "zstd in argument multifd-compression of migrate-set-parameters", "capability multifd", "capability postcopy-preempt", "TLS"]);
        Wanted("zlib", "", false).ShouldBe(["capability events", "zlib in argument multifd-compression of migrate-set-parameters"]);

        IEnumerable<string> Wanted(string method, string capabilities, bool tls) =>
            Build(new MigrationTestAttribute("/a", method, capabilities, tls), nameof(SampleOfThree)).Properties[TestProperties.Requires].Cast<string>();
    }

    [Test]
    public void Several_attributes_measure_the_time_once()
    {
        var attribute = new MigrationTestAttribute("/a");
        var wrapped = attribute.Wrap(new EmptyTestCommand(Build(attribute)));

        new MigrationTestAttribute("/b").Wrap(wrapped).ShouldBeSameAs(wrapped);
    }

    [TestCase("2.5", 2.5)]
    [TestCase("10", 10)]
    [TestCase("0.01", 0.01)]
    [TestCase("10000", 10_000)]
    public void A_scale_is_a_number_with_a_decimal_point(string text, double wanted)
    {
        TimeoutScale.TryParse(text, out var scale).ShouldBeTrue();
        scale.ShouldBe(wanted);
    }

    [TestCase("")]
    [TestCase("0")]
    [TestCase("-1")]
    [TestCase("2,5")]
    [TestCase("NaN")]
    [TestCase("0.009")]
    [TestCase("10001")]
    [TestCase("1e400")]
    public void Anything_else_is_no_scale(string text) => TimeoutScale.TryParse(text, out _).ShouldBeFalse();

    public static void Sample(CancellationToken ct) => ct.ThrowIfCancellationRequested();

    [RequiresCapability("events")]
    public static void SampleOfThree([ParameterValue("multifd-compression")] string method, [Capabilities] string capabilities, [UsesTls] bool tls, CancellationToken ct) =>
        Assert.Fail($"{method} {capabilities} {tls} {ct}");

    private TestMethod Build(MigrationTestAttribute attribute, string method = nameof(Sample)) =>
        attribute.BuildFrom(new MethodWrapper(GetType(), method), null).ShouldHaveSingleItem();
}
