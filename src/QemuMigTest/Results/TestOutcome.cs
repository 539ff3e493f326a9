using System.Text.Json.Serialization;

namespace QemuMigTest.Results;

/// <summary>How one attempt at a test ended.</summary>
public enum TestOutcome
{
    /// <summary>All that the test proves held.</summary>
    [JsonStringEnumMemberName("passed")] Passed,

    /// <summary>Something did not hold, or the test could not be carried out.</summary>
    [JsonStringEnumMemberName("failed")] Failed,

    /// <summary>Something that the test needs is not there.</summary>
    [JsonStringEnumMemberName("skipped")] Skipped,

    /// <summary>The test was still running when the run was ended.</summary>
    [JsonStringEnumMemberName("interrupted")] Interrupted,
}
