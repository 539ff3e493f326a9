using System.Globalization;

namespace QemuMigTest.Hosts;

/// <summary>How many threads want a processor, for each that there is: how much longer than on an idle machine one may have to wait for its turn.</summary>
public static class ProcessorLoad
{
    private const string LoadAverage = "/proc/loadavg";

    /// <summary>A container may see the load of more processors than it has.</summary>
    private const double Most = 8;

    /// <summary>Asks the kernel: the mean of the last minute, or now, whichever is more.</summary>
    /// <returns>1, where there is a processor for each, to 8.</returns>
    public static double Read() => Of(File.ReadAllText(LoadAverage), Environment.ProcessorCount);

    internal static double Of(string loadAverage, int processors)
    {
        var words = loadAverage.Split(' ');
        return words is [var minute, _, _, var threads, ..]
            && double.TryParse(minute, NumberStyles.Float, CultureInfo.InvariantCulture, out var mean)
            && double.TryParse(threads.Split('/')[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var now)
            ? Math.Clamp(Math.Max(mean, now) / processors, 1, Most)
            : throw new FormatException($"{LoadAverage}: four words were expected, means and threads: {loadAverage.Trim()}");
    }
}
