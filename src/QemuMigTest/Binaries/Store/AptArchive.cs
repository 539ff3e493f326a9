using System.Text.RegularExpressions;

namespace QemuMigTest.Binaries.Store;

/// <summary>An archive that apt means to download, as <c>--print-uris</c> tells it.</summary>
/// <param name="FileName">Its name in the archives folder.</param>
/// <param name="Size">Its size in bytes.</param>
internal sealed partial record AptArchive(string FileName, long Size)
{
    public string Package => FileName.Split('_')[0];

    /// <summary>With epoch: the file name escapes the colon.</summary>
    public string Version => Uri.UnescapeDataString(FileName.Split('_')[1]);

    public string Architecture => Path.GetFileNameWithoutExtension(FileName.Split('_')[2]);

    /// <summary>Reads lines such as <c>'URI' qemu-system-data_1%3a11.1.3_all.deb 2246016 SHA256:…</c>; other lines are apt's talk.</summary>
    public static IReadOnlyList<AptArchive> Parse(string printed) =>
        [.. Line().Matches(printed).Select(match => new AptArchive(match.Groups[1].Value, long.Parse(match.Groups[2].ValueSpan)))];

    [GeneratedRegex(@"^'[^']+' ([^\s_/]+_[^\s_/]+_[^\s_/]+\.deb) (\d+)", RegexOptions.Multiline)]
    private static partial Regex Line();
}
