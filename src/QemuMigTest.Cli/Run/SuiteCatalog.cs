using System.Reflection;
using NUnit;
using NUnit.Framework.Api;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;
using QemuMigTest.NUnit;

namespace QemuMigTest.Cli.Run;

/// <summary>The migration tests of an assembly, in the order of their paths, and NUnit's runner that has loaded them.</summary>
internal sealed class SuiteCatalog
{
    private readonly NUnitTestAssemblyRunner _runner;

    private SuiteCatalog(NUnitTestAssemblyRunner runner, IReadOnlyList<SuiteTest> tests)
    {
        _runner = runner;
        Tests = tests;
    }

    /// <summary>The tests.</summary>
    public IReadOnlyList<SuiteTest> Tests { get; }

    /// <summary>Loads the tests of an assembly.</summary>
    /// <param name="assembly">The assembly.</param>
    /// <param name="parameters">The NUnit test parameters; they stay set in this process.</param>
    /// <param name="jobs">How many tests a run of this catalog runs at a time.</param>
    /// <exception cref="QemuMigTestException">The assembly can not be loaded, two tests have one path, or a path is none.</exception>
    public static SuiteCatalog Load(Assembly assembly, IReadOnlyDictionary<string, string> parameters, int jobs)
    {
        var runner = new NUnitTestAssemblyRunner(new DefaultTestAssemblyBuilder());
        var root = runner.Load(assembly, new Dictionary<string, object>
        {
            [FrameworkPackageSettings.TestParametersDictionary] = parameters.ToDictionary(),
            [FrameworkPackageSettings.NumberOfTestWorkers] = jobs,
            // A listener that is called late could not tell one attempt's properties from the next one's.
            [FrameworkPackageSettings.SynchronousEvents] = true,
        });
        var tests = Leaves(root).Where(IsMigrationTest).Select(ToSuiteTest).OrderBy(test => test.Path, StringComparer.Ordinal).ToList();
        if (tests.Count == 0)
            throw new QemuMigTestException($"There are no migration tests in {assembly.GetName().Name}: {SkipReason(root) ?? "no method has [MigrationTest]"}");
        foreach (var (first, second) in tests.Zip(tests.Skip(1)).Where(pair => pair.First.Path == pair.Second.Path))
            throw new QemuMigTestException($"Two tests are called {first.Path}: {first.Method} and {second.Method}.");
        return new SuiteCatalog(runner, tests);
    }

    /// <summary>Runs tests once and returns when the last of them has ended. Reports of them are made on the threads of the tests.</summary>
    public void Run(IReadOnlyList<SuiteTest> tests, ITestListener listener)
    {
        foreach (var test in tests)
            ForgetLastAttempt(test.Test);
        _runner.Run(listener, new SelectedTestsFilter(tests));
    }

    private static void ForgetLastAttempt(ITest test)
    {
        foreach (var name in test.Properties.Keys.Where(TestProperties.IsOfOneRun).ToList())
            test.Properties[name].Clear();
    }

    private static IEnumerable<ITest> Leaves(ITest test) =>
        test.IsSuite ? test.Tests.SelectMany(Leaves) : [test];

    private static bool IsMigrationTest(ITest test) =>
        test.Method is { } method && method.IsDefined<MigrationTestAttribute>(inherit: false);

    private static SuiteTest ToSuiteTest(ITest test)
    {
        if (test.Properties.Get(TestProperties.Path) is not string path)
            throw new QemuMigTestException(SkipReason(test) ?? $"{test.FullName} has no path.");
        return new SuiteTest(
            path,
            $"{test.TypeInfo?.FullName}.{test.MethodName}",
            [.. test.Properties[TestProperties.Requires].Cast<string>()],
            TimeSpan.FromMilliseconds(test.Properties.Get(PropertyNames.Timeout) as int? ?? 0),
            IsExplicit(test),
            test);
    }

    private static bool IsExplicit(ITest test) =>
        test.RunState == RunState.Explicit || (test.Parent is { } parent && IsExplicit(parent));

    private static string? SkipReason(ITest test) => test.Properties.Get(PropertyNames.SkipReason) as string;
}
