namespace QemuMigTest.Cli.Catalogue;

/// <summary>Notes below a table, numbered in the order in which they are first needed; each is there once.</summary>
internal sealed class CatalogueNotes
{
    private readonly List<string> _notes = [];

    /// <summary>The notes; the first has number 1.</summary>
    public IReadOnlyList<string> All => _notes;

    /// <summary>The number of a note.</summary>
    public int NumberOf(string note)
    {
        var index = _notes.IndexOf(note);
        if (index >= 0)
            return index + 1;
        _notes.Add(note);
        return _notes.Count;
    }
}
