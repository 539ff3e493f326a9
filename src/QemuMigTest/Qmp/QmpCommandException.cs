namespace QemuMigTest.Qmp;

/// <summary>QEMU answered a command with an error. The connection goes on.</summary>
public sealed class QmpCommandException : QmpException
{
    private const int MaxSentInMessage = 400;

    /// <param name="name">The side, such as <c>source</c>.</param>
    /// <param name="errorClass">QAPI's QapiErrorClass, such as <c>GenericError</c> or <c>CommandNotFound</c>.</param>
    /// <param name="description">QEMU's text for people.</param>
    /// <param name="command">The command's name.</param>
    /// <param name="sent">The line that was sent.</param>
    public QmpCommandException(string name, string errorClass, string description, string command, string sent)
        : base($"{name} refused '{command}': {errorClass}: {description} (sent: {QmpText.Cut(sent, MaxSentInMessage)})", null)
    {
        ErrorClass = errorClass;
        Description = description;
        Command = command;
        Sent = sent;
    }

    /// <summary>QAPI's QapiErrorClass, such as <c>GenericError</c> or <c>CommandNotFound</c>.</summary>
    public string ErrorClass { get; }

    /// <summary>QEMU's text for people.</summary>
    public string Description { get; }

    /// <summary>The command's name.</summary>
    public string Command { get; }

    /// <summary>The whole line that was sent.</summary>
    public string Sent { get; }
}
