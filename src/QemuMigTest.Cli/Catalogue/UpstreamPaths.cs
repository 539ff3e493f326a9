using QemuMigTest.Cli.Output;

namespace QemuMigTest.Cli.Catalogue;

/// <summary>The list of upstream's paths, <c>upstream-paths.tsv</c>, which says where it is from.</summary>
internal static class UpstreamPaths
{
    /// <summary>Reads the list.</summary>
    public static IReadOnlyList<UpstreamPath> Read() =>
        [.. EmbeddedTable.Read("upstream-paths.tsv", columns: 3).Select(row => new UpstreamPath(row[0], row[1], row[2] == "-" ? null : row[2]))];
}
