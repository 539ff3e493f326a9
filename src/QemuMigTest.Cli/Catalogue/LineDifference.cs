namespace QemuMigTest.Cli.Catalogue;

/// <summary>The lines in which two texts differ.</summary>
internal static class LineDifference
{
    /// <summary>What to take away (<c>- </c>) and to add (<c>+ </c>) to get from one text to the other, with line numbers; none if they are equal.</summary>
    public static IReadOnlyList<string> Between(string from, string to)
    {
        var (old, now) = (from.Split('\n'), to.Split('\n'));
        var common = LengthsOfCommon(old, now);
        List<string> lines = [];
        for (int i = 0, j = 0; i < old.Length || j < now.Length;)
        {
            if (i < old.Length && j < now.Length && old[i] == now[j])
                (i, j) = (i + 1, j + 1);
            else if (j == now.Length || (i < old.Length && common[i + 1, j] >= common[i, j + 1]))
                lines.Add($"-{i + 1}: {old[i++]}");
            else
                lines.Add($"+{j + 1}: {now[j++]}");
        }
        return lines;
    }

    // The length of the longest common subsequence of what follows i and j.
    private static int[,] LengthsOfCommon(string[] old, string[] now)
    {
        var lengths = new int[old.Length + 1, now.Length + 1];
        for (var i = old.Length - 1; i >= 0; i--)
        {
            for (var j = now.Length - 1; j >= 0; j--)
                lengths[i, j] = old[i] == now[j] ? lengths[i + 1, j + 1] + 1 : Math.Max(lengths[i + 1, j], lengths[i, j + 1]);
        }
        return lengths;
    }
}
