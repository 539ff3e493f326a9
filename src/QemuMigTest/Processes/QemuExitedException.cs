namespace QemuMigTest.Processes;

/// <summary>A QEMU ended that should not have.</summary>
public sealed class QemuExitedException : QemuMigTestException
{
    /// <param name="name">Which QEMU: "source", "destination".</param>
    /// <param name="status">How it ended.</param>
    /// <param name="during">What was under way.</param>
    /// <param name="stderr">The end of what it wrote to standard error.</param>
    /// <param name="innerException">What the loss of its connection looked like.</param>
    public QemuExitedException(string name, ExitStatus status, string during, string stderr, Exception? innerException = null)
        : base($"{name}: QEMU ended with {status} during {during}; {(stderr.Length == 0 ? "it wrote nothing to stderr" : $"its stderr: {stderr}")}", innerException)
    {
        Name = name;
        Status = status;
        Stderr = stderr;
    }

    /// <summary>Which QEMU.</summary>
    public string Name { get; }

    /// <summary>Exit code or signal.</summary>
    public ExitStatus Status { get; }

    /// <summary>The end of what it wrote to standard error.</summary>
    public string Stderr { get; }
}
