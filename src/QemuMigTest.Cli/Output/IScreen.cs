namespace QemuMigTest.Cli.Output;

/// <summary>Something that lines are written to: a terminal, or whatever reads the other end of a pipe.</summary>
internal interface IScreen
{
    /// <summary>How many columns a line has; null if it may be of any length.</summary>
    int? Width { get; }

    /// <summary>What stands before a test that passed, failed and was skipped.</summary>
    (string Passed, string Failed, string Skipped) Marks { get; }

    /// <summary>Writes a line, <paramref name="indent"/> columns from the left; where it has to be broken, the rest is indented as much.</summary>
    void Line(int indent, params ReadOnlySpan<Piece> pieces);
}
