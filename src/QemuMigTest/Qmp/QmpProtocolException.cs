namespace QemuMigTest.Qmp;

/// <summary>What came is not QMP. It ends the connection.</summary>
public sealed class QmpProtocolException : QmpException
{
    private const int MaxRawLine = 200;

    /// <param name="name">The side, such as <c>source</c>.</param>
    /// <param name="what">What is wrong with the line.</param>
    /// <param name="rawLine">The line as it came; cut to 200 characters.</param>
    /// <param name="innerException">The parser's own error, if there was one.</param>
    public QmpProtocolException(string name, string what, string rawLine, Exception? innerException = null)
        : base($"{name}: {what}: '{QmpText.Cut(rawLine, MaxRawLine)}'", innerException) => RawLine = QmpText.Cut(rawLine, MaxRawLine);

    /// <summary>The line as it came, cut to 200 characters.</summary>
    public string RawLine { get; }
}
