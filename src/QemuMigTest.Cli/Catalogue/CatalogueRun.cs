using QemuMigTest.Binaries.Store;
using QemuMigTest.Cli.Run;
using QemuMigTest.Results;

namespace QemuMigTest.Cli.Catalogue;

/// <summary>A run of the whole suite on one build: a column of the catalogue.</summary>
internal sealed record CatalogueRun
{
    private const int MostNamed = 3;

    /// <summary>Major and minor version: <c>11.1</c>.</summary>
    public required string Version { get; init; }

    /// <summary>The Debian suite that the build is from; null if it is not from the store.</summary>
    public required string? Suite { get; init; }

    /// <summary><c>tcg</c> or <c>kvm</c>.</summary>
    public required string Accelerator { get; init; }

    /// <summary>What became of each path.</summary>
    public required IReadOnlyDictionary<string, PathVerdict> Verdicts { get; init; }

    /// <summary>Reads the record of a run.</summary>
    /// <param name="folder">The results folder.</param>
    /// <param name="suite">The tests that a whole run has.</param>
    /// <exception cref="RunRecordException">There is no record, or it is damaged.</exception>
    /// <exception cref="CatalogueException">The run is not one of the whole suite on one build.</exception>
    public static CatalogueRun Read(string folder, IReadOnlyList<SuiteTest> suite)
    {
        var path = Path.Combine(folder, RunRecord.FileName);
        var record = RunRecord.Load(path);
        if (WhatIsWrong(record, suite) is { } wrong)
            throw new CatalogueException($"{path} {wrong}. Make it again: qemu-mig-test run --qemu BUILD --results {folder}");
        var source = record.Source!;
        return new CatalogueRun
        {
            Version = string.Join('.', source.Version.Split('.').Take(2)),
            Suite = SuiteOf(source),
            Accelerator = record.Accelerator ?? "unknown",
            Verdicts = record.Tests.ToDictionary(test => test.Path, PathVerdict.Of),
        };
    }

    /// <summary>Puts runs in the order of their versions.</summary>
    /// <exception cref="CatalogueException">Two are of one version.</exception>
    public static IReadOnlyList<CatalogueRun> InOrder(IReadOnlyList<CatalogueRun> runs)
    {
        if (runs.GroupBy(run => run.Version).FirstOrDefault(group => group.Count() > 1) is { } twins)
            throw new CatalogueException($"{twins.Count()} runs are of QEMU {twins.Key}, and the catalogue has one column for it: leave out all but one.");
        return [.. runs.OrderBy(run => System.Version.Parse(run.Version))];
    }

    private static string? WhatIsWrong(RunRecord record, IReadOnlyList<SuiteTest> suite)
    {
        var settings = record.Settings;
        if (settings.Paths.Count + settings.Skips.Count > 0)
            return $"is of a part of the suite ({string.Join(' ', settings.Paths.Select(path => $"-p {path}").Concat(settings.Skips.Select(path => $"-s {path}")))})";
        if (record.Interrupted || record.Tests.Any(test => test.Attempts.Count == 0))
            return "is of a run that was interrupted or has not ended";
        if (record.Source is not { } source || record.Destination is not { } destination)
            return "names no QEMU";
        if (source != destination)
            return $"is of two builds: the source was QEMU {source.Version}, the destination {destination.Version}, {source.Name} and {destination.Name}";
        if (record.Problems is [var problem, ..])
            return $"has failures that belong to no test: {problem.Split('\n')[0].TrimEnd('.')}";
        var recorded = record.Tests.Select(test => test.Path).ToList();
        var wanted = suite.Where(test => !test.Explicit).Select(test => test.Path).ToList();
        if (wanted.Except(recorded).ToList() is { Count: > 0 } missing)
            return $"is of an older suite: it lacks {Named(missing)}";
        if (recorded.Except(wanted).ToList() is { Count: > 0 } gone)
            return $"is of another suite: this one has no {Named(gone)}";
        return null;
    }

    private static string? SuiteOf(QemuRecord qemu)
    {
        var words = qemu.Name.Split([' ', '(', ')', ','], StringSplitOptions.RemoveEmptyEntries);
        return QemuStore.Suites.Select(suite => suite.Name).FirstOrDefault(words.Contains);
    }

    private static string Named(List<string> paths) =>
        string.Join(", ", paths.Take(MostNamed)) + (paths.Count > MostNamed ? $" and {paths.Count - MostNamed} more" : "");
}
