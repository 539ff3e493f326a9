using System.Globalization;
using System.Text.RegularExpressions;
using QemuMigTest.Results;

namespace QemuMigTest.Cli.Output;

/// <summary>How numbers and reasons are written for people.</summary>
internal static partial class Texts
{
    /// <summary>A duration: <c>0.71 s</c>, <c>14.3 s</c>, <c>2 min 05 s</c>.</summary>
    public static string Duration(double seconds) => seconds switch
    {
        < 9.995 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.00} s"),
        < 99.95 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(Math.Round(seconds) / 60):0} min {Math.Round(seconds) % 60:00} s"),
    };

    /// <summary>A number with its noun: <c>1 test</c>, <c>2 tests</c>.</summary>
    public static string Count(int number, string noun) => number == 1 ? $"1 {noun}" : $"{number} {noun}s";

    /// <summary>Why a test was skipped, in one line.</summary>
    public static string SkipReason(AttemptRecord attempt)
    {
        if (attempt.Wanted is null)
            return OneLine(attempt.Reason ?? "no reason given");
        var text = $"wants {attempt.Wanted}";
        if (attempt.Found is not null)
            text += $", found {attempt.Found}";
        if (attempt.Why is not null)
            text += $": {attempt.Why}";
        return OneLine(text);
    }

    /// <summary>The lines of why a test failed, without the noise of namespaces.</summary>
    public static IReadOnlyList<string> FailureLines(AttemptRecord attempt)
    {
        var reason = ExceptionName().Replace(attempt.Reason ?? "no reason given", match =>
            match.Groups["name"].Value is "ShouldAssertException" or "AssertionException" ? "" : $"{match.Groups["name"].Value}: ");
        return [.. reason.ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0)];
    }

    private static string OneLine(string text) => LineBreaks().Replace(text.Trim(), " ");

    [GeneratedRegex(@"\b(?:\w+\.)+(?<name>\w+Exception) : ")]
    private static partial Regex ExceptionName();

    [GeneratedRegex(@"\s*\r?\n\s*")]
    private static partial Regex LineBreaks();
}
