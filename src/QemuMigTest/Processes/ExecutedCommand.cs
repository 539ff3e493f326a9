namespace QemuMigTest.Processes;

/// <summary>A command that a QEMU has executed, and between which of its events.</summary>
/// <param name="Name">QAPI's name, or the command line of a human-monitor-command.</param>
/// <param name="From">The position of the next event before it was sent.</param>
/// <param name="To">The position of the next event when its reply had come: what it caused at once is before.</param>
internal sealed record ExecutedCommand(string Name, int From, int To)
{
    /// <summary>In place of a command's name: a device was made to do, as a guest would have it do, what an event tells of.</summary>
    public static string ByDevice(string eventName) => $"(a device) {eventName}";
}
