using System.Globalization;
using System.Text;
using QemuMigTest.Hosts;
using QemuMigTest.Processes;

namespace QemuMigTest.Migration;

/// <summary>Writes what a person needs to understand a failure into the pair's scratch folder.</summary>
public static class PairDiagnostics
{
    /// <summary>Writes the timeline, the last query-migrate and query-status of each side, stack traces of a QEMU that does not answer or whose migration has not ended,
    /// and a script that starts the same QEMUs by hand.</summary>
    /// <param name="pair">The pair, its QEMUs alive or not.</param>
    /// <param name="limit">How long each side may take to answer.</param>
    public static async Task WriteAsync(MigrationPair pair, TimeSpan limit)
    {
        foreach (var side in pair.QemuSides)
        {
            await File.WriteAllTextAsync(pair.Scratch.File($"{side.Name}.state"), await AskAsync(side, pair, limit));
        }

        await File.WriteAllTextAsync(pair.Scratch.File("timeline"), Timeline(pair));
        await File.WriteAllTextAsync(pair.Scratch.File("rerun.sh"), Script(pair));
    }

    /// <summary>The events of all sides in the order of QEMU's times.</summary>
    public static string Timeline(MigrationPair pair) => string.Concat(pair.Sides
        .SelectMany(side => side.Process.Qmp.Events.Snapshot().Select(e => (side.Name, Event: e)))
        .OrderBy(entry => entry.Event.Timestamp)
        .Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Event.Timestamp:HH:mm:ss.ffffff} {entry.Name,-13} {entry.Event.Name} {entry.Event.Data}\n")));

    private static async Task<string> AskAsync(MigrationSide side, MigrationPair pair, TimeSpan limit)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"process {side.Process.Child.Id}: {side.Process.Child.DescribeState()}\nserial line: {side.Serial.Tail()}\n");
        if (side.Process.Exited.IsCompleted)
        {
            return text.ToString();
        }

        using var bounded = new CancellationTokenSource(limit);
        try
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"query-status: {await side.QueryStatusAsync(bounded.Token)}");
            var migration = await side.QueryMigrateAsync(bounded.Token);
            text.AppendLine(CultureInfo.InvariantCulture, $"query-migrate: {migration}");
            text.AppendLine(CultureInfo.InvariantCulture, $"info registers:\n{await side.HumanAsync("info registers", bounded.Token)}");
            if (migration.Status.IsUnderWay)
            {
                text.AppendLine(await StackTracesAsync(side, pair, limit));
            }
        }
#pragma warning disable CA1031 // what it answers may be of any shape: a diagnosis is of use where that is wrong
        catch (Exception e)
#pragma warning restore CA1031
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"it does not answer: {e.Message}");
            text.AppendLine(await StackTracesAsync(side, pair, limit));
        }

        return text.ToString();
    }

    private static async Task<string> StackTracesAsync(MigrationSide side, MigrationPair pair, TimeSpan limit)
    {
        if (ExecutableSearch.OnPath("gdb") is not { } gdb)
        {
            return "(no stack traces: gdb is not on PATH)";
        }

        var output = pair.Scratch.File($"{side.Name}.stacks");
        var debugger = await pair.Spawner.StartAsync(new ChildCommand
        {
            FileName = gdb,
            Arguments = ["-p", side.Process.Child.Id.ToString(CultureInfo.InvariantCulture), "-batch", "-nx", "-ex", "thread apply all backtrace"],
            OutputFile = output,
        });
        if (await Task.WhenAny(debugger.Exited, Task.Delay(limit, TimeProvider.System)) != debugger.Exited)
        {
            debugger.Kill();
        }

        return $"stack traces: {Path.GetFileName(output)}";
    }

    private static string Script(MigrationPair pair)
    {
        var script = new StringBuilder("""
            #!/bin/sh
            # Starts the same QEMUs by hand. Their monitors listen here: socat - UNIX-CONNECT:source.qmp
            # (first say {"execute":"qmp_capabilities"}); the guest writes to source.serial.log and destination.serial.log.
            cd "$(dirname "$0")" || exit 1

            """);
        // What cpr-exec executed is in its own .cmd: it is of use in its process alone.
        foreach (var side in pair.Sides.DistinctBy(side => side.Process.Child.Id))
        {
            var command = side.Process.Child.Command;
            string[] words =
            [
                .. command.Environment.Select(variable => $"{variable.Key}={variable.Value}"),
                command.FileName,
                .. command.Arguments.Select(argument => IsSocket(argument) ? argument + ",server=on,wait=off" : argument),
            ];
            script.AppendLine(CultureInfo.InvariantCulture, $"env {QemuCommandLine.Quote(words.Select(word => word.Replace(pair.Scratch.Path + "/", "", StringComparison.Ordinal)))} &");
        }

        return script.AppendLine("wait").ToString();
    }

    private static bool IsSocket(string argument) =>
        argument.StartsWith("socket,id=", StringComparison.Ordinal) || argument.StartsWith("unix:", StringComparison.Ordinal);
}
