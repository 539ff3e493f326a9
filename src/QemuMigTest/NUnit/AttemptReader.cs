using System.Globalization;
using System.Text.RegularExpressions;
using NUnit.Framework.Interfaces;
using QemuMigTest.Results;

namespace QemuMigTest.NUnit;

/// <summary>Makes the record of an attempt from what NUnit and the test itself say of it.</summary>
public static partial class AttemptReader
{
    /// <summary>The most that is kept of what a test writes, in characters; the end is kept.</summary>
    public const int MostOutput = 64 * 1024;

    private static readonly string[] NoFrames =
    [
        "at NUnit.Framework.Internal.",
        "at QemuMigTest.NUnit.TimeLimitCommand.",
        "at System.Threading.ExecutionContext.RunInternal(",
        "--- End of stack trace from previous location",
    ];

    /// <summary>Reads it.</summary>
    /// <param name="result">What NUnit says.</param>
    /// <param name="limit">The test's time limit, scaled.</param>
    /// <param name="startSeconds">When it began, in seconds since the run did.</param>
    /// <param name="durationSeconds">How long it took, in seconds.</param>
    /// <param name="errorOutput">What it wrote beside its own output, or null.</param>
    /// <param name="resultsFolder">The absolute path of the results folder; the record names the test's folder relative to it.</param>
    public static AttemptRecord Read(
        ITestResult result,
        TimeSpan limit,
        double startSeconds,
        double durationSeconds,
        string? errorOutput,
        string resultsFolder)
    {
        ArgumentNullException.ThrowIfNull(result);
        var properties = result.Test.Properties;
        return new AttemptRecord
        {
            Outcome = OutcomeOf(result.ResultState),
            StartSeconds = Math.Round(startSeconds, 3),
            DurationSeconds = Math.Round(durationSeconds, 3),
            Reason = ReasonOf(result, limit),
            Stack = StackOf(result.StackTrace),
            Folder = FolderOf(Text(properties, TestProperties.Folder), resultsFolder),
            Wanted = Text(properties, TestProperties.Wanted),
            Found = Text(properties, TestProperties.Found),
            Why = Text(properties, TestProperties.Why),
            Refused = NotesOf(properties, TestProperties.Refused),
            Fault = NotesOf(properties, TestProperties.Fault),
            Measures = MeasuresOf(properties),
            Output = OutputOf(result.Output + errorOutput),
        };
    }

    // Inconclusive is a failure: a test that proved nothing must not look as if it had.
    private static TestOutcome OutcomeOf(ResultState state) => state.Status switch
    {
        TestStatus.Passed or TestStatus.Warning => TestOutcome.Passed,
        TestStatus.Skipped => TestOutcome.Skipped,
        _ => TestOutcome.Failed,
    };

    private static string? ReasonOf(ITestResult result, TimeSpan limit)
    {
        var message = result.Message?.Trim() ?? "";
        if (message.Length > 0)
        {
            return Cancelled().Replace(message, string.Create(
                CultureInfo.InvariantCulture,
                $"The test ran for longer than its limit of {limit.TotalSeconds:0.###} s and was cancelled."));
        }
        return result.ResultState.Status is TestStatus.Passed ? null : $"NUnit says '{result.ResultState}' and no more.";
    }

    // The frames between the test and the thread are NUnit's, the same every time.
    private static string? StackOf(string? stack)
    {
        var lines = (stack ?? "").ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !NoFrames.Any(frame => line.TrimStart().StartsWith(frame, StringComparison.Ordinal)))
            .ToList();
        return lines.Count == 0 ? null : string.Join('\n', lines);
    }

    private static string? FolderOf(string? folder, string resultsFolder)
    {
        if (folder is null)
            return null;
        var relative = Path.GetRelativePath(resultsFolder, folder);
        return relative == ".." || relative.StartsWith("../", StringComparison.Ordinal) ? folder : relative;
    }

    private static Dictionary<string, double> MeasuresOf(IPropertyBag properties)
    {
        var measures = new Dictionary<string, double>();
        foreach (var name in properties.Keys.Where(key => key.StartsWith(TestProperties.MeasurePrefix, StringComparison.Ordinal)))
        {
            if (properties.Get(name) is { } value && TryNumber(value, out var number))
                measures[name[TestProperties.MeasurePrefix.Length..]] = number;
        }
        return measures;
    }

    private static string? NotesOf(IPropertyBag properties, string name)
    {
        var notes = properties[name].Cast<string>().Distinct().ToList();
        return notes.Count == 0 ? null : string.Join("; ", notes);
    }

    // JSON knows no infinity.
    private static bool TryNumber(object value, out double number) =>
        double.TryParse(Convert.ToString(value, CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture, out number)
        && double.IsFinite(number);

    private static string? OutputOf(string output)
    {
        if (string.IsNullOrWhiteSpace(output))
            return null;
        return output.Length <= MostOutput ? output : string.Concat("…", output.AsSpan(output.Length - MostOutput));
    }

    [GeneratedRegex(@"Test exceeded CancelAfter value of \d+ms")]
    private static partial Regex Cancelled();

    private static string? Text(IPropertyBag properties, string name) =>
        properties.Get(name) is { } value ? Convert.ToString(value, CultureInfo.InvariantCulture) : null;
}
