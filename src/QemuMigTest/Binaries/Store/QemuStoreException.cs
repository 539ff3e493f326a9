namespace QemuMigTest.Binaries.Store;

/// <summary>No QEMU could be fetched, or the store cannot be used; the message says what failed and what to install or to set.</summary>
public sealed class QemuStoreException : QemuMigTestException
{
    public QemuStoreException(string message) : base(message)
    {
    }

    public QemuStoreException(string message, Exception? innerException) : base(message, innerException)
    {
    }
}
