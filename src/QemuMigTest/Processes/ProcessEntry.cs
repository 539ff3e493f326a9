using System.Globalization;

namespace QemuMigTest.Processes;

/// <summary>A process of this machine, read from /proc.</summary>
/// <param name="Id">The process's id.</param>
/// <param name="Parent">Its parent's id.</param>
/// <param name="Group">Its process group's id.</param>
/// <param name="Session">Its session's id.</param>
/// <param name="HasEnded">It is a zombie: nothing of it is left but its parent's duty to reap it, which init in a container may never do.</param>
internal sealed record ProcessEntry(int Id, int Parent, int Group, int Session, bool HasEnded)
{
    /// <summary>All of them, at about this moment.</summary>
    public static List<ProcessEntry> ReadAll()
    {
        var processes = new List<ProcessEntry>();
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(path[^1])))
        {
            try
            {
                var stat = File.ReadAllText($"{folder}/stat");
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                processes.Add(new(Number(Path.GetFileName(folder)), Number(fields[1]), Number(fields[2]), Number(fields[3]), fields[0] is "Z" or "X"));
            }
            catch (IOException)
            {
                // It ended while /proc was read.
                continue;
            }
        }

        return processes;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
