using Mono.Unix.Native;

namespace QemuMigTest.Processes;

/// <summary>How a process ended: with an exit code (0 to 255) or by a signal, and what it used.</summary>
/// <param name="Code">The exit code, or null when a signal ended it.</param>
/// <param name="Signal">The number of the signal that ended it, or null.</param>
/// <param name="CpuTime">User and system time of the process.</param>
/// <param name="MaxResidentBytes">Largest resident set, in bytes.</param>
public sealed record ExitStatus(int? Code, int? Signal, TimeSpan CpuTime, long MaxResidentBytes)
{
    /// <summary>Whether it ended with exit code 0.</summary>
    public bool IsSuccess => Code == 0;

    /// <inheritdoc/>
    public override string ToString() => Signal is { } signal
        ? $"signal {signal} ({(Signum)signal})"
        : $"exit code {Code}";

    internal static ExitStatus FromWait(int status, NativeProcess.ResourceUsage usage)
    {
        var signal = status & 0x7f;
        var cpu = TimeSpan.FromSeconds(usage.UserSeconds + usage.SystemSeconds)
            + TimeSpan.FromMicroseconds(usage.UserMicroseconds + usage.SystemMicroseconds);
        return new ExitStatus(signal == 0 ? (status >> 8) & 0xff : null, signal == 0 ? null : signal, cpu, usage.MaxResidentKiB * 1024);
    }
}
