namespace QemuMigTest.Processes;

/// <summary>A QEMU could not be started, or what was started is no QEMU; the message says what to do.</summary>
public class QemuStartException : QemuMigTestException
{
    public QemuStartException(string message) : base(message)
    {
    }

    public QemuStartException(string message, Exception? innerException) : base(message, innerException)
    {
    }
}
