namespace QemuMigTest.Qmp;

/// <summary>How a QMP connection ended.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Exception">The cause; null for a clean end.</param>
public sealed record QmpDisconnect(QmpDisconnectReason Reason, Exception? Exception)
{
    /// <summary>A clause for people, such as "QEMU closed the QMP connection".</summary>
    public string Describe() => Reason switch
    {
        QmpDisconnectReason.CleanEnd => "QEMU closed the QMP connection",
        QmpDisconnectReason.CutMidLine => "the QMP connection was cut in the middle of a line",
        QmpDisconnectReason.ProtocolError => "the QMP connection was ended because what came is not QMP",
        QmpDisconnectReason.IoError => $"the QMP connection broke ({Exception?.Message})",
        QmpDisconnectReason.Disposed => "the QMP client was disposed",
        _ => throw new InvalidOperationException($"unknown reason {Reason}"),
    };
}
