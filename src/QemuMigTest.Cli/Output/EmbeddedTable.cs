namespace QemuMigTest.Cli.Output;

/// <summary>Tables that are part of the command: lines of columns with tabs between them, a header, comments behind <c>#</c>.</summary>
internal static class EmbeddedTable
{
    /// <summary>The rows below the header.</summary>
    /// <exception cref="InvalidDataException">A row has another number of columns; it is named.</exception>
    public static IReadOnlyList<string[]> Read(string name, int columns)
    {
        using var stream = typeof(EmbeddedTable).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidDataException($"The table {name} is not part of the command.");
        using var reader = new StreamReader(stream);
        var rows = reader.ReadToEnd().Split('\n').Where(line => line.Length > 0 && line[0] != '#').Skip(1).Select(line => line.Split('\t')).ToList();
        if (rows.Find(row => row.Length != columns) is { } wrong)
            throw new InvalidDataException($"{name}: '{string.Join("<tab>", wrong)}' has {wrong.Length} columns, wanted {columns}.");
        return rows;
    }
}
