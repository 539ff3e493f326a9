using System.Text.RegularExpressions;

namespace QemuMigTest.Cli.Catalogue;

/// <summary>Takes out of a text what would be another on the next machine or after the next update: paths, process ids, ports, addresses,
/// the version of a package.</summary>
internal static partial class StableText
{
    // What the kernel calls so everywhere.
    private static readonly string[] SamePaths = ["/dev", "/sys", "/proc/sys", "/migration"];

    /// <summary>The text without them, in one line.</summary>
    public static string Of(string text)
    {
        text = Spaces().Replace(text, " ").Trim();
        text = BothSides().Replace(text, "QEMU");
        text = BuildName().Replace(text, "QEMU $1");
        text = FullVersion().Replace(text, "$1");
        text = Process().Replace(text, "$1 N");
        text = Port().Replace(text, "$1:PORT");
        text = Address().Replace(text, "0x…");
        return AbsolutePath().Replace(text, match => Shorten(match.Value));
    }

    private static string Shorten(string path)
    {
        if (SamePaths.Any(root => path == root || path.StartsWith(root + "/", StringComparison.Ordinal)))
            return path;
        var process = OfProcess().Match(path);
        return process.Success ? $"/proc/N{process.Groups[1].Value}" : $"…/{path[(path.LastIndexOf('/') + 1)..]}";
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    // In the catalogue they are one build.
    [GeneratedRegex(@"\bsource and destination QEMU\b")]
    private static partial Regex BothSides();

    // What a build is called: the store's name, or a path.
    [GeneratedRegex(@"\bQEMU (\d+\.\d+(?:\.\d+)?) \([^()]*\)")]
    private static partial Regex BuildName();

    [GeneratedRegex(@"(?<![\w.:])(\d+\.\d+)\.\d+(?![\w.])(?: \((?:Debian |v)[^()]*\))?")]
    private static partial Regex FullVersion();

    [GeneratedRegex(@"\b(pid|process) \d+\b")]
    private static partial Regex Process();

    [GeneratedRegex(@"(127\.0\.0\.1|\[::1\]|localhost):\d+\b")]
    private static partial Regex Port();

    [GeneratedRegex(@"\b0x[0-9a-fA-F]{6,}\b")]
    private static partial Regex Address();

    // A slash between words, as in read/write, begins no path.
    [GeneratedRegex(@"(?<![\w/.…:])/[\w.@+~-]+(?:/[\w.@+~-]+)*(?<![.])")]
    private static partial Regex AbsolutePath();

    [GeneratedRegex(@"^/proc/\d+(/.*)?$")]
    private static partial Regex OfProcess();
}
