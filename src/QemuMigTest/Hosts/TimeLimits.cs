namespace QemuMigTest.Hosts;

/// <summary>How long each kind of wait may take, all scaled by one setting (<c>--timeout-scale</c>).</summary>
/// <param name="Scale">A factor above 0; 1 suits two cores under load.</param>
public sealed record TimeLimits(double Scale = 1)
{
    /// <summary>From the start of a QEMU to its QMP greeting, and for a guest to boot.</summary>
    public TimeSpan Start { get => field == default ? Scaled(20) : field; init; }

    /// <summary>For the reply to one QMP command or qtest request.</summary>
    public TimeSpan Command { get => field == default ? Scaled(15) : field; init; }

    /// <summary>For a migration status, an event, a page to arrive, a marker on the serial line.</summary>
    public TimeSpan Step { get => field == default ? Scaled(30) : field; init; }

    /// <summary>For a QEMU that was asked to quit; then it is killed.</summary>
    public TimeSpan Quit { get => field == default ? Scaled(5) : field; init; }

    /// <summary>For a process that got SIGKILL. It depends on the kernel, not on QEMU: a scale below 1 does not shorten it.</summary>
    public TimeSpan Kill => TimeSpan.FromSeconds(5 * Math.Max(1, Scale));

    /// <summary>For a process that has closed its connections to be seen to end; a scale below 1 does not shorten it.</summary>
    public TimeSpan Reap { get => field == default ? TimeSpan.FromSeconds(Math.Max(1, Scale)) : field; init; }

    private TimeSpan Scaled(double seconds) => TimeSpan.FromSeconds(seconds * Scale);
}
