namespace QemuMigTest.Qmp;

/// <summary>No QMP connection came about: no socket, no greeting, or no agreement on capabilities.</summary>
public sealed class QmpConnectException : QmpException
{
    public QmpConnectException(QmpConnectPhase phase, string message, Exception? innerException = null) : base(message, innerException) => Phase = phase;

    /// <summary>How far the connection had come.</summary>
    public QmpConnectPhase Phase { get; }
}
