namespace QemuMigTest;

/// <summary>The root of what this framework throws about QEMU, its monitor and its migrations. Misuse throws CLR exceptions.</summary>
/// <remarks>
/// <code>
/// QemuMigTestException
///   QemuStartException          a QEMU could not be started, or is no QEMU
///   QemuExitedException         a QEMU ended that should not have: exit code or signal, command line, stderr
///   QemuStoreException          no QEMU could be fetched: what to install or set
///   WaitTimeoutException        what was waited for, on which side, for how long, what was seen last
///   MigrationFailedException    a status that must not come, or an error of query-migrate
///   OracleException             what an oracle found: what, where, expected, seen
///   GuestException              the guest program's state cannot be read, or is none that it can have
///   RunRecordException          a run.json is damaged or of another format
///   StreamFormatException       a file is no migration stream, or damaged: where, what was expected, what was seen
///   QTestException              the qtest protocol refused or broke
///   QmpException
///     QmpConnectException       no greeting, or no agreement on capabilities
///     QmpCommandException       the command was refused: error class, text, what was sent
///     QmpInterruptedException   the connection ended while a command waited
///     QmpProtocolException      what came is not QMP: the raw line
/// </code>
/// An <see cref="OperationCanceledException"/> means only that the caller's token fired.
/// </remarks>
public class QemuMigTestException : Exception
{
    public QemuMigTestException(string message) : base(message)
    {
    }

    public QemuMigTestException(string message, Exception? innerException) : base(message, innerException)
    {
    }
}
