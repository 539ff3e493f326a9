namespace QemuMigTest.Cli.Run;

/// <summary>The time since a run began.</summary>
internal sealed class RunClock(TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();

    /// <summary>When the run began, in UTC.</summary>
    public DateTimeOffset Started { get; } = time.GetUtcNow();

    /// <summary>The seconds since then.</summary>
    public double Seconds => time.GetElapsedTime(_start).TotalSeconds;
}
