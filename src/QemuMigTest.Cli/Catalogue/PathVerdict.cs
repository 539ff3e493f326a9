using QemuMigTest.Results;

namespace QemuMigTest.Cli.Catalogue;

/// <summary>What became of a path on a build.</summary>
/// <param name="Word">For the table: passed, refused, known fault, skipped, failed.</param>
/// <param name="Note">What explains it; null when nothing needs to be explained.</param>
internal sealed record PathVerdict(string Word, string? Note)
{
    public const string Passed = "passed";
    public const string Refused = "refused";
    public const string KnownFault = "known fault";
    public const string Skipped = "skipped";
    public const string Failed = "failed";

    private static readonly string[] WorstFirst = [Failed, Skipped, KnownFault, Refused, Passed];

    /// <summary>The verdict on a test: the worst of its attempts, so that a repeated run hides nothing.</summary>
    public static PathVerdict Of(TestRecord test) =>
        test.Attempts.Select(Of).OrderBy(verdict => Array.IndexOf(WorstFirst, verdict.Word)).First();

    private static PathVerdict Of(AttemptRecord attempt) => attempt.Outcome switch
    {
        TestOutcome.Passed when attempt.Fault is { } what => new(KnownFault, string.Join("; ", new[] { $"known fault (findings.md): {StableText.Of(what)}", RefusalOf(attempt) }.OfType<string>())),
        TestOutcome.Passed when RefusalOf(attempt) is { } refusal => new(Refused, refusal),
        TestOutcome.Passed => new(Passed, null),
        TestOutcome.Skipped => new(Skipped, StableText.Of(SkipOf(attempt))),
        _ => new(Failed, $"failed: {StableText.Of(FirstLine(attempt.Reason))}"),
    };

    private static string? RefusalOf(AttemptRecord attempt) => attempt.Refused is { } what ? $"refused as it should be: {StableText.Of(what)}" : null;

    private static string SkipOf(AttemptRecord attempt) => attempt.Wanted is { } wanted
        ? $"skipped: wants {wanted}; found {attempt.Found} ({attempt.Why})"
        : $"skipped: {FirstLine(attempt.Reason)}";

    private static string FirstLine(string? reason) => (reason ?? "it gave no reason").Split('\n')[0];
}
