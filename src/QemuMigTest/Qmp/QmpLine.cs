namespace QemuMigTest.Qmp;

/// <summary>A line, or why there is none.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Bytes">The line without its end; of a cut line what came of it, of one too long its first bytes.</param>
internal readonly record struct QmpLine(QmpLineKind Kind, byte[] Bytes)
{
    public string Text => QmpText.Of(Bytes);
}
