using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Migration.Channels;

/// <summary>Descriptors that are handed to each side by name (getfd) and used as <c>fd:</c>.</summary>
public abstract class DescriptorChannel : MigrationChannel
{
    /// <summary>The name under which each side gets its descriptor.</summary>
    public const string DescriptorName = "fd-mig";

    /// <summary>Two connected sockets.</summary>
    public static DescriptorChannel OfSocketPair() => new SocketPairChannel();

    /// <summary>A plain file, opened once for each side. Refused since 11.0 or so: use <c>file:</c>.</summary>
    public static DescriptorChannel OfFile() => new PlainFileChannel();

    /// <summary>The descriptor for a side; this object closes it.</summary>
    protected abstract SafeHandle Open(MigrationPair pair, MigrationSide side);

    /// <inheritdoc/>
    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) => HandAsync(pair, pair.Destination, ct);

    /// <inheritdoc/>
    public override Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct) => HandAsync(pair, pair.Source, ct);

    /// <summary>A side that has used a named descriptor must have forgotten its name.</summary>
    /// <exception cref="QemuMigTestException">It is still there.</exception>
    public override async Task VerifyCompletedAsync(MigrationPair pair, CancellationToken ct)
    {
        foreach (var side in new[] { pair.Source, pair.Destination })
        {
            try
            {
                await side.ExecuteAsync("closefd", new() { ["fdname"] = DescriptorName }, ct);
            }
            catch (QmpCommandException e) when (e.Description.Contains("not found", StringComparison.Ordinal))
            {
                continue;
            }

            throw new QemuMigTestException($"{side.Name}: the descriptor '{DescriptorName}' is still there after the migration; QEMU should have taken it.");
        }
    }

    private async Task<JsonObject> HandAsync(MigrationPair pair, MigrationSide side, CancellationToken ct)
    {
        var descriptor = Open(pair, side);
        await side.Process.ExecuteWithDescriptorAsync("getfd", new() { ["fdname"] = DescriptorName }, descriptor, ct);
        // From here it is QEMU's: an end kept open by us would hide that a side closed its own.
        descriptor.Dispose();
        return Uri($"fd:{DescriptorName}");
    }

    private sealed class SocketPairChannel : DescriptorChannel
    {
        private readonly SocketPair _pair = new();

        protected override SafeHandle Open(MigrationPair pair, MigrationSide side) => side == pair.Destination ? _pair.First : _pair.Second;

        public override void Dispose()
        {
            _pair.Dispose();
            base.Dispose();
        }
    }

    private sealed class PlainFileChannel : DescriptorChannel
    {
        private string? _path;

        public override bool DestinationReadsAfterwards => true;

        protected override SafeHandle Open(MigrationPair pair, MigrationSide side)
        {
            _path ??= pair.Scratch.CreateChild("channel").File("migration");
            return File.OpenHandle(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        }
    }
}
