namespace QemuMigTest.Cli.Output;

/// <summary>Lines as they are.</summary>
internal sealed class PlainScreen(TextWriter writer) : IScreen
{
    /// <inheritdoc/>
    public int? Width => null;

    /// <inheritdoc/>
    public (string Passed, string Failed, string Skipped) Marks => ("ok  ", "FAIL", "skip");

    /// <inheritdoc/>
    public void Line(int indent, params ReadOnlySpan<Piece> pieces)
    {
        var text = new string(' ', indent);
        foreach (var piece in pieces)
            text += piece.Text;
        // One write a line: what others write to the same place then comes between lines, not into them.
        writer.Write(text.TrimEnd() + '\n');
        writer.Flush();
    }
}
