namespace QemuMigTest.Results;

/// <summary>A record of a run is missing, damaged or of another format.</summary>
public sealed class RunRecordException : QemuMigTestException
{
    public RunRecordException(string message) : base(message)
    {
    }

    public RunRecordException(string message, Exception? innerException) : base(message, innerException)
    {
    }
}
