using System.Text.Json.Nodes;
using QemuMigTest.Processes;
using QemuMigTest.Tls;

namespace QemuMigTest.Migration;

// Destinations that join while the migration is under way.
public sealed partial class MigrationPair
{
    private QemuConnections? _successor;
    private JsonObject _successorTls = [];

    /// <summary>Starts a destination whose monitor answers only after the source's migrate.</summary>
    /// <param name="incoming">What it listens on.</param>
    /// <param name="ct">Ends the start; nothing is left.</param>
    internal async Task<MigrationSide> StartDestinationSideAsync(IEnumerable<string> incoming, CancellationToken ct)
    {
        var (name, tls, arguments) = DescribeDestination(incoming);
        var side = await StartSideAsync(name, Environment.Destination, arguments, ct);
        return await ConfigureDestinationAsync(side, tls, ct);
    }

    /// <summary>Listens for the QEMU that the source's process will execute, and tells the source which (parameter cpr-exec-command).</summary>
    internal async Task PrepareSuccessorAsync(CancellationToken ct)
    {
        var (name, tls, arguments) = DescribeDestination(["-incoming", "defer"]);
        _successorTls = tls;
        var options = await DescribeSideAsync(name, Environment.Destination, arguments, ct);
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
        return await ConfigureDestinationAsync(new MigrationSide(process, Environment.Destination, Program), _successorTls, ct);
    }

    /// <summary>A destination that was started for a migration has joined.</summary>
    internal void Join(MigrationSide destination) => Destination = destination;

    private (string Name, JsonObject Tls, QemuCommandLine Arguments) DescribeDestination(IEnumerable<string> incoming)
    {
        var number = Interlocked.Increment(ref _destinations);
        var name = number == 1 ? "destination" : $"destination-{number}";
        var tls = PrepareTls(Options.Tls?.Destination, TlsEndpoint.Server, name);
        return (name, tls.Parameters, Options.DestinationArguments.With(tls.CommandLine.Arguments).With(incoming));
    }
}
