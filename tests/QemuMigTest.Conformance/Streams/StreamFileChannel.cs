using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Streams;

/// <summary>A file by <c>file:</c> on a side that has it, and by <c>fd:</c> on one that is older (before 8.2).</summary>
internal sealed class StreamFileChannel : MigrationChannel
{
    private const string DescriptorName = "fd-stream";
    private string? _path;

    /// <inheritdoc/>
    public override bool DestinationReadsAfterwards => true;

    /// <summary>The file.</summary>
    public string FilePath => _path ?? throw new InvalidOperationException("The migration has not begun.");

    /// <inheritdoc/>
    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) => OpenAsync(pair.Destination, FileMode.Open, FileAccess.Read, ct);

    /// <inheritdoc/>
    public override Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct)
    {
        _path = pair.Scratch.CreateChild("channel").File("migration");
        return OpenAsync(pair.Source, FileMode.Create, FileAccess.Write, ct);
    }

    private async Task<JsonObject> OpenAsync(MigrationSide side, FileMode mode, FileAccess access, CancellationToken ct)
    {
        if (side.Binary.Commands["migrate"].TryGetValue("channels", out var values) && values.Contains("file"))
        {
            return Uri($"file:{FilePath}");
        }

        using var handle = System.IO.File.OpenHandle(FilePath, mode, access, FileShare.ReadWrite);
        await side.Process.ExecuteWithDescriptorAsync("getfd", new() { ["fdname"] = DescriptorName }, handle, ct);
        return Uri($"fd:{DescriptorName}");
    }
}
