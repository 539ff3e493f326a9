namespace QemuMigTest.Binaries.Store;

/// <summary>The names in the store's folder.</summary>
internal static class StorePaths
{
    public static string Build(string root, QemuSuite suite) => Path.Combine(root, suite.Name);

    public static string Lock(string root, QemuSuite suite) => Path.Combine(root, $".lock.{suite.Name}");

    /// <summary>A new name for what is not, or no longer, a build. No suite's name has a dot, so no suite's names begin with another's.</summary>
    public static string NewWork(string root, QemuSuite suite) => Path.Combine(root, $".work.{suite.Name}.{Guid.NewGuid():N}");

    /// <summary>What fetches left behind that were killed; the suite's lock must be held, else they may be alive.</summary>
    public static IReadOnlyList<string> Left(string root, QemuSuite suite) => Directory.GetDirectories(root, $".work.{suite.Name}.*");
}
