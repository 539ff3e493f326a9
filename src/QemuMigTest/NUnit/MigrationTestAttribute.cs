using NUnit.Framework;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;
using NUnit.Framework.Internal.Builders;
using NUnit.Framework.Internal.Commands;
using QemuMigTest.NUnit.Requirements;

namespace QemuMigTest.NUnit;

/// <summary>
/// Marks a method as a migration test and names it by its path, which is also its full name. Every prefix of the path is a
/// category, so that <c>dotnet test --filter TestCategory=/migration/postcopy</c> runs a subtree.
/// A method that is one idea over several values has one attribute for each path, with the values as its arguments.
/// </summary>
/// <remarks>
/// The method's last parameter may be a <see cref="CancellationToken"/>. It fires when the test has run for
/// <see cref="TimeoutSeconds"/> times the <see cref="TimeoutScale"/>; a test that ignores it and ends later has failed.
/// A path that breaks the rules of <see cref="TestPath"/> makes a test that can not run and says why.
/// </remarks>
/// <param name="path">The test's path: <c>/migration/precopy/tcp/plain</c>.</param>
/// <param name="arguments">The values of the method's parameters before its <see cref="CancellationToken"/>; null means one value, null.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class MigrationTestAttribute(string path, params object?[]? arguments) : NUnitAttribute, ITestBuilder, IImplyFixture, IWrapSetUpTearDown
{
    private readonly NUnitTestCaseBuilder _builder = new();

    /// <summary>The test's path.</summary>
    public string Path { get; } = path;

    /// <summary>The values of the method's parameters before its <see cref="CancellationToken"/>.</summary>
    public IReadOnlyList<object?> Arguments { get; } = arguments ?? [null];

    /// <summary>The time limit in seconds, above 0, before it is scaled; 60 if not set.</summary>
    public double TimeoutSeconds { get; set; } = 60;

    /// <inheritdoc/>
    public IEnumerable<TestMethod> BuildFrom(IMethodInfo method, Test? suite) => [Build(method, suite)];

    /// <inheritdoc/>
    // Each attribute of a method is asked; what is measured is in the test, so that once is enough.
    public TestCommand Wrap(TestCommand command) => command is TimeLimitCommand ? command : new TimeLimitCommand(command);

    /// <summary>What a test needs: of its class, of its method, and of its method's parameters with its arguments.</summary>
    internal static IEnumerable<RequirementAttribute> RequirementsOf(TestMethod test) =>
        test.Method.TypeInfo.GetCustomAttributes<RequirementAttribute>(inherit: true)
            .Concat(test.Method.GetCustomAttributes<RequirementAttribute>(inherit: true))
            .Concat(test.Method.GetParameters().Zip(test.Arguments).SelectMany(parameter =>
                parameter.First.GetCustomAttributes<ArgumentRequirementAttribute>(inherit: true).SelectMany(attribute => attribute.Of(parameter.Second))));

    private TestMethod Build(IMethodInfo method, Test? suite)
    {
        var test = _builder.BuildTestMethod(method, suite, new TestCaseParameters([.. Arguments]));
        if (TestPath.Problem(Path) is { } problem)
        {
            test.MakeInvalid($"[MigrationTest] on {method.TypeInfo.FullName}.{method.Name}: {problem}.");
            return test;
        }

        test.Name = Path;
        test.FullName = Path;
        test.Properties.Set(TestProperties.Path, Path);
        foreach (var prefix in TestPath.Prefixes(Path))
            test.Properties.Add(PropertyNames.Category, prefix);
        foreach (var requirement in RequirementsOf(test))
            test.Properties.Add(TestProperties.Requires, requirement.Wanted);
        SetTimeLimit(test);
        return test;
    }

    // NUnit reads both properties when it runs the test, exactly as [CancelAfter] sets them.
    private void SetTimeLimit(TestMethod test)
    {
        double milliseconds;
        try
        {
            milliseconds = TimeoutSeconds * TimeoutScale.Read() * 1000;
        }
        catch (FormatException e)
        {
            test.MakeInvalid(e.Message);
            return;
        }
        if (!(TimeoutSeconds > 0))
        {
            test.MakeInvalid($"[MigrationTest(\"{Path}\")]: TimeoutSeconds is {TimeoutSeconds}, wanted a number above 0.");
            return;
        }
        test.Properties.Set(PropertyNames.Timeout, (int)Math.Clamp(milliseconds, 1, int.MaxValue));
        test.Properties.Set(PropertyNames.UseCancellation, true);
    }
}
