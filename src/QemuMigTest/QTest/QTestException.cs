namespace QemuMigTest.QTest;

/// <summary>QEMU refused a qtest command, or the qtest connection broke.</summary>
public sealed class QTestException : QemuMigTestException
{
    private const int MaxCommandInMessage = 80;

    /// <param name="name">The side, such as <c>source</c>.</param>
    /// <param name="command">What was sent.</param>
    /// <param name="reply">What came, if anything did.</param>
    /// <param name="problem">What is wrong, as it reads behind the command.</param>
    /// <param name="innerException">The cause, if there was one.</param>
    public QTestException(string name, string command, string? reply, string problem, Exception? innerException = null)
        : base($"{name}: qtest command '{Cut(command)}' {problem}{(reply is null ? "" : $": '{Cut(reply)}'")}", innerException)
    {
        Name = name;
        Command = Cut(command);
        Reply = reply;
    }

    /// <summary>The side, such as <c>source</c>.</summary>
    public string Name { get; }

    /// <summary>What was sent; cut when long.</summary>
    public string Command { get; }

    /// <summary>What came; null when nothing did.</summary>
    public string? Reply { get; }

    private static string Cut(string text) => text.Length <= MaxCommandInMessage ? text : string.Concat(text.AsSpan(0, MaxCommandInMessage), "…");
}
