using QemuMigTest.NUnit;

namespace QemuMigTest.Cli.Run;

/// <summary>Which tests a command line means.</summary>
internal static class PathSelection
{
    /// <summary>The tests at or below one of <paramref name="paths"/> (all, if there are none) and not at or below one of <paramref name="skips"/>.</summary>
    /// <remarks>A test marked Explicit is meant only if <paramref name="paths"/> are given, or <paramref name="withExplicit"/>.</remarks>
    /// <exception cref="UsageException">A path matches no test, or nothing is left.</exception>
    public static IReadOnlyList<SuiteTest> Select(
        IReadOnlyList<SuiteTest> tests,
        IReadOnlyList<string> paths,
        IReadOnlyList<string> skips,
        bool withExplicit = false)
    {
        foreach (var path in paths.Concat(skips))
        {
            if (!tests.Any(test => TestPath.IsAtOrBelow(test.Path, path)))
                throw new UsageException(NoSuchPath(tests, path));
        }

        var asked = paths.Count == 0
            ? tests.Where(test => withExplicit || !test.Explicit)
            : tests.Where(test => paths.Any(path => TestPath.IsAtOrBelow(test.Path, path)));
        var left = asked.Where(test => !skips.Any(skip => TestPath.IsAtOrBelow(test.Path, skip))).ToList();
        return left.Count > 0 ? left : throw new UsageException("--skip leaves no test to run.");
    }

    private static string NoSuchPath(IReadOnlyList<SuiteTest> tests, string path)
    {
        var nearest = PathSuggestions.For(path, tests.Select(test => test.Path));
        return nearest.Count switch
        {
            0 => $"No test is at or below '{path}'. 'qemu-mig-test list' shows all.",
            1 => $"No test is at or below '{path}'. Did you mean {nearest[0]}?",
            _ => $"No test is at or below '{path}'. Did you mean one of these?{string.Concat(nearest.Select(near => $"\n  {near}"))}",
        };
    }
}
