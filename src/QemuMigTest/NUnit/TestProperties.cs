namespace QemuMigTest.NUnit;

/// <summary>The NUnit properties in which a migration test says what it is, and in which a run of it says how it went.</summary>
public static class TestProperties
{
    /// <summary>The test's path. Set when the test is built.</summary>
    public const string Path = "Path";

    /// <summary>What the test needs, one value a requirement. Set when the test is built.</summary>
    public const string Requires = "Requires";

    /// <summary>The absolute path of the folder that holds the run's logs.</summary>
    public const string Folder = "Folder";

    /// <summary>What a skipped test wanted.</summary>
    public const string Wanted = "Wanted";

    /// <summary>What a skipped test found instead.</summary>
    public const string Found = "Found";

    /// <summary>Why what was found is not enough.</summary>
    public const string Why = "Why";

    /// <summary>What QEMU refused, as the test wanted it to; one value a refusal. See <see cref="MigrationFixture.NoteRefusal"/>.</summary>
    public const string Refused = "Refused";

    /// <summary>A fault of QEMU's, known by version, that the test has proved to be there still; one value a fault. See <see cref="MigrationFixture.NoteFault"/>.</summary>
    public const string Fault = "Fault";

    /// <summary>
    /// Before the name of a measured number, its unit in the name: <c>Measure:total-time-ms</c>.
    /// The value is a number, or a string in the invariant culture.
    /// </summary>
    public const string MeasurePrefix = "Measure:";

    /// <summary>Whether the property belongs to one run of the test, and must be gone before the next.</summary>
    public static bool IsOfOneRun(string name) =>
        name is Folder or Wanted or Found or Why or Refused or Fault || name.StartsWith(MeasurePrefix, StringComparison.Ordinal);
}
