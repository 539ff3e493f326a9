namespace QemuMigTest.NUnit;

/// <summary>What the path of a migration test may look like, and what lies below what.</summary>
/// <remarks>Paths are upstream's, for example <c>/migration/multifd+postcopy/plain</c>.</remarks>
public static class TestPath
{
    /// <summary>Why <paramref name="path"/> can not be the path of a test, or null if it can.</summary>
    public static string? Problem(string? path)
    {
        if (string.IsNullOrEmpty(path))
            return "the path is empty";
        if (path[0] != '/')
            return $"the path '{path}' does not begin with '/'";
        if (path[^1] == '/')
            return $"the path '{path}' ends with '/'";
        if (path.Contains("//", StringComparison.Ordinal))
            return $"the path '{path}' has an empty part";
        foreach (var c in path)
        {
            if (char.IsAsciiLetterUpper(c))
                return $"the path '{path}' has an upper-case letter, '{c}'";
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && !"/-_+.".Contains(c, StringComparison.Ordinal))
                return $"the path '{path}' has '{c}' in it; allowed are a-z 0-9 - _ + . and '/'";
        }
        return null;
    }

    /// <summary>The path's prefixes from the shortest to the path itself: <c>/a</c>, <c>/a/b</c>, <c>/a/b/c</c>.</summary>
    public static IEnumerable<string> Prefixes(string path)
    {
        for (var i = path.IndexOf('/', 1); i >= 0; i = path.IndexOf('/', i + 1))
            yield return path[..i];
        yield return path;
    }

    /// <summary>Whether <paramref name="path"/> is <paramref name="root"/> or lies below it; <c>/a/b-c</c> does not lie below <c>/a/b</c>.</summary>
    public static bool IsAtOrBelow(string path, string root) =>
        path.StartsWith(root, StringComparison.Ordinal) && (path.Length == root.Length || path[root.Length] == '/');
}
