using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Migration;

// Destinations that join while the migration is under way.
public sealed partial class MigrationPair
{
    private QemuConnections? _successor;

    /// <summary>Starts a destination whose monitor answers only after the source's migrate.</summary>
    /// <param name="incoming">What it listens on.</param>
    /// <param name="ct">Ends the start; nothing is left.</param>
    internal async Task<MigrationSide> StartDestinationSideAsync(IEnumerable<string> incoming, CancellationToken ct)
    {
        var side = await StartSideAsync(NextDestination(), Environment.Destination, Options.DestinationArguments.With(incoming), ct);
        return await ConfigureDestinationAsync(side, ct);
    }

    /// <summary>Listens for the QEMU that the source's process will execute, and tells the source which (parameter cpr-exec-command).</summary>
    internal async Task PrepareSuccessorAsync(CancellationToken ct)
    {
        var options = await DescribeSideAsync(NextDestination(), Environment.Destination, Options.DestinationArguments.With("-incoming", "defer"), ct);
        _successor = await QemuConnections.ListenAsync(options);
        // QEMU calls execvp: env sets what the destination's build needs, in the same process.
        string[] words = options.Launch.Environment.Count == 0 ? [.. _successor.Words] : ["env", .. _successor.Words];
        await File.WriteAllTextAsync(Scratch.File($"{options.Name}.cmd"), QemuCommandLine.Quote(words) + "\n", ct);
        await Source.SetParametersAsync(new() { ["cpr-exec-command"] = new JsonArray([.. words.Select(word => JsonValue.Create(word))]) }, ct);
    }

    /// <summary>Waits until the QEMU that the source's process has executed is connected.</summary>
    internal async Task<MigrationSide> JoinSuccessorAsync(CancellationToken ct)
    {
        var process = await _successor!.TakeOverAsync(Source.Process, ct);
        await _successor.DisposeAsync();
        return await ConfigureDestinationAsync(new MigrationSide(process, Environment.Destination, Program), ct);
    }

    /// <summary>A destination that was started for a migration has joined.</summary>
    internal void Join(MigrationSide destination) => Destination = destination;
}
