namespace QemuMigTest.Qmp;

/// <summary>What goes wrong on a QMP connection; the tree is drawn at <see cref="QemuMigTestException"/>.</summary>
public abstract class QmpException : QemuMigTestException
{
    protected QmpException(string message, Exception? innerException) : base(message, innerException)
    {
    }
}
