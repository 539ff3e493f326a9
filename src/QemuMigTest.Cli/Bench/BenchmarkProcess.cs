using System.ComponentModel;
using System.Diagnostics;

namespace QemuMigTest.Cli.Bench;

/// <summary>A program that is run to its end and timed.</summary>
internal static class BenchmarkProcess
{
    /// <summary>Runs it, without a shell.</summary>
    /// <param name="start">The program.</param>
    /// <param name="line">Is given each line that it writes, as it comes, from any thread, but one at a time.</param>
    /// <param name="ct">Kills it and what it has started.</param>
    /// <returns>Its exit code, and the seconds from its start to its end.</returns>
    /// <exception cref="BenchmarkException">It can not be started.</exception>
    public static async Task<(int ExitCode, double Seconds)> RunAsync(ProcessStartInfo start, Action<string> line, CancellationToken ct)
    {
        var gate = new Lock();
        void Take(object sender, DataReceivedEventArgs received)
        {
            lock (gate)
            {
                if (received.Data is { } text)
                    line(text);
            }
        }

        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.RedirectStandardInput = true;
        using var process = new Process { StartInfo = start };
        process.OutputDataReceived += Take;
        process.ErrorDataReceived += Take;
        var watch = Stopwatch.StartNew();
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            throw new BenchmarkException($"{start.FileName} can not be started: {e.Message}");
        }
        using var kill = ct.Register(() => process.Kill(entireProcessTree: true));
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await process.WaitForExitAsync(CancellationToken.None);
        var seconds = watch.Elapsed.TotalSeconds;
        ct.ThrowIfCancellationRequested();
        return (process.ExitCode, seconds);
    }
}
