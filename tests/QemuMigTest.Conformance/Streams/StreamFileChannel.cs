using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Streams;

/// <summary>A file that the destination reads when the source has written all of it; see <see cref="StreamFile"/>.</summary>
internal sealed class StreamFileChannel : MigrationChannel
{
    private string? _path;

    /// <inheritdoc/>
    public override bool DestinationReadsAfterwards => true;

    /// <summary>The file.</summary>
    public string FilePath => _path ?? throw new InvalidOperationException("The migration has not begun.");

    /// <inheritdoc/>
    public override async Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) =>
        Uri(await StreamFile.OpenAsync(pair.Destination.Process, pair.Destination.Binary, FilePath, ct));

    /// <inheritdoc/>
    public override async Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct)
    {
        _path = pair.Scratch.CreateChild("channel").File("migration");
        return Uri(await StreamFile.CreateAsync(pair.Source.Process, pair.Source.Binary, FilePath, ct));
    }
}
