namespace QemuMigTest.Qmp;

/// <summary>What <see cref="QmpLineReader"/> read.</summary>
internal enum QmpLineKind
{
    /// <summary>A whole line, not empty.</summary>
    Complete,

    /// <summary>The stream ended behind a whole line.</summary>
    CleanEnd,

    /// <summary>The stream ended in the middle of a line.</summary>
    CutMidLine,

    /// <summary>The line is longer than the limit; the stream is of no use any more.</summary>
    TooLong,
}
