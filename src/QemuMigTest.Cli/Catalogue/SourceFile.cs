using QemuMigTest.Cli.Run;

namespace QemuMigTest.Cli.Catalogue;

/// <summary>Where a test of the conformance suite is written: namespaces are folders, and a type has a file of its name.</summary>
internal static class SourceFile
{
    private const string Namespace = "QemuMigTest.Conformance.";
    private const string Folder = "tests/QemuMigTest.Conformance";

    /// <summary>The file, from the root of the project; null if the test is of another suite.</summary>
    public static string? Of(SuiteTest test)
    {
        if (!test.Method.StartsWith(Namespace, StringComparison.Ordinal))
            return null;
        var parts = test.Method[Namespace.Length..].Split('.')[..^1];
        // A type within another is in that one's file.
        parts[^1] = parts[^1].Split('+', '`')[0];
        return $"{Folder}/{string.Join('/', parts)}.cs";
    }
}
