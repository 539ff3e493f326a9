namespace QemuMigTest.Binaries.Store;

/// <summary>Finds the mirror that this machine itself takes Debian packages from.</summary>
internal static class DebianMirror
{
    /// <exception cref="QemuStoreException">There is none, or the variable holds no address.</exception>
    public static string Find(QemuStoreOptions options)
    {
        if (options.Environment(QemuStore.MirrorVariable) is { Length: > 0 } given)
        {
            return Usable(given)
                ? given
                : throw new QemuStoreException($"{QemuStore.MirrorVariable} holds `{given}`, which is not the address of a Debian mirror (such as http://HOST/debian).");
        }

        var stanzas = Path.Combine(options.AptFolder, "sources.list.d", "debian.sources");
        var lines = Path.Combine(options.AptFolder, "sources.list");
        var found = File.Exists(stanzas) ? FromStanzas(File.ReadAllText(stanzas)) : null;
        var isDebian = IsDebian(options.OsRelease);
        // The list of another distribution has the same name and form, and names another archive.
        if (found is null && isDebian && File.Exists(lines)) found = FromLines(File.ReadAllText(lines));
        return found ?? throw new QemuStoreException(
            (isDebian ? $"No Debian mirror is set in {stanzas} or {lines}." : $"This machine is no Debian, so its own sources name no Debian mirror ({stanzas} has none).")
            + $" Set {QemuStore.MirrorVariable} to the address of one (such as http://HOST/debian), or {StoreRemedies.OwnQemu}.");
    }

    /// <summary>The first <c>URIs</c> of a deb822 file: of a stanza that is enabled, has binary packages, and is not for security updates only.</summary>
    public static string? FromStanzas(string text)
    {
        foreach (var fields in Stanzas(text))
        {
            string[] Values(string field) => fields.GetValueOrDefault(field, "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            var enabled = fields.GetValueOrDefault("Enabled", "yes").Trim().ToLowerInvariant() is not ("no" or "false" or "0" or "off" or "without" or "disable");
            var suites = Values("Suites");
            var forSecurity = suites.Length > 0 && suites.All(IsSecurity);
            if (enabled && !forSecurity && Values("Types").Contains("deb") && Values("URIs").FirstOrDefault(Usable) is { } uri) return uri;
        }
        return null;
    }

    /// <summary>The first address of a one-line-style file.</summary>
    public static string? FromLines(string text)
    {
        foreach (var line in text.Split('\n').Select(line => line.Split('#')[0].Trim()).Where(line => line.StartsWith("deb ", StringComparison.Ordinal) || line.StartsWith("deb\t", StringComparison.Ordinal)))
        {
            var rest = line[4..].Trim();
            if (rest.StartsWith('[')) rest = rest[(rest.IndexOf(']', StringComparison.Ordinal) + 1)..];
            if (rest.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is [var uri, var suite, ..] && Usable(uri) && !IsSecurity(suite)) return uri;
        }
        return null;
    }

    private static IEnumerable<Dictionary<string, string>> Stanzas(string text)
    {
        var fields = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var last = "";
        foreach (var line in text.Split('\n').Where(line => !line.StartsWith('#')).Append(""))
        {
            if (string.IsNullOrWhiteSpace(line))
            {
                if (fields.Count > 0) yield return fields;
                fields = new(StringComparer.OrdinalIgnoreCase);
            }
            else if (char.IsWhiteSpace(line[0]))
            {
                if (fields.ContainsKey(last)) fields[last] += " " + line;
            }
            else if (line.Split(':', 2) is [var name, var value])
            {
                last = name.Trim();
                fields[last] = value;
            }
        }
    }

    private static bool IsSecurity(string suite) => suite.EndsWith("-security", StringComparison.Ordinal) || suite.Contains("/updates", StringComparison.Ordinal);

    /// <summary>It is written into a sources.list, where a space or a bracket would mean something else; and a CD is no mirror.</summary>
    private static bool Usable(string uri) =>
        uri.IndexOf(':', StringComparison.Ordinal) > 0
        && !uri.StartsWith("cdrom:", StringComparison.Ordinal)
        && !uri.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '[' or ']' or '#' or '"');

    private static bool IsDebian(string osRelease) =>
        File.Exists(osRelease) && File.ReadLines(osRelease).Any(line => line.Trim() is "ID=debian" or "ID=\"debian\"");
}
