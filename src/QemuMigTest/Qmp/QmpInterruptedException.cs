namespace QemuMigTest.Qmp;

/// <summary>The connection had ended, or ended while a command or an event was waited for. Whether a command took effect is unknown.</summary>
public sealed class QmpInterruptedException : QmpException
{
    /// <param name="name">The side, such as <c>source</c>.</param>
    /// <param name="disconnect">How the connection ended; its exception becomes the inner one.</param>
    /// <param name="waitingFor">What was waited for, as it reads after "while waiting for".</param>
    public QmpInterruptedException(string name, QmpDisconnect disconnect, string waitingFor)
        : base($"{name}: {disconnect.Describe()} while waiting for {waitingFor}", disconnect.Exception) => Disconnect = disconnect;

    /// <summary>How the connection ended.</summary>
    public QmpDisconnect Disconnect { get; }
}
