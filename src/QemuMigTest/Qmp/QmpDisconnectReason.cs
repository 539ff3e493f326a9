namespace QemuMigTest.Qmp;

/// <summary>Why a QMP connection ended.</summary>
public enum QmpDisconnectReason
{
    /// <summary>QEMU closed it after a whole line, whether or not it had read all that was sent to it.</summary>
    CleanEnd,

    /// <summary>It ended in the middle of a line.</summary>
    CutMidLine,

    /// <summary>What came is not QMP: a <see cref="QmpProtocolException"/>.</summary>
    ProtocolError,

    /// <summary>Reading or writing (the transcript included) failed.</summary>
    IoError,

    /// <summary>The client was disposed.</summary>
    Disposed,
}
