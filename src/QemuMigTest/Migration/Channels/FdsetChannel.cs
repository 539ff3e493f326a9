using System.Text.Json.Nodes;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;

namespace QemuMigTest.Migration.Channels;

/// <summary>A file that the manager opened and handed to each side as a set of descriptors (add-fd, <c>file:/dev/fdset/N</c>).</summary>
public sealed class FdsetChannel : MigrationChannel
{
    private const int Set = 1;
    private readonly FileChannel _file;
    private readonly int _descriptors;
    private readonly bool _directIo;

    /// <param name="offset">Where in the file the stream starts, bytes; 0 for a file of its own.</param>
    /// <param name="descriptors">How many descriptors each side gets, 1 or more; several for multifd.</param>
    /// <param name="directIo">All descriptors but the first are opened with O_DIRECT, for the parameter direct-io.</param>
    public FdsetChannel(long offset = 0, int descriptors = 1, bool directIo = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(descriptors, 1);
        _file = new FileChannel(offset);
        _descriptors = descriptors;
        _directIo = directIo;
    }

    /// <inheritdoc/>
    public override bool DestinationReadsAfterwards => true;

    /// <inheritdoc/>
    public override async Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct)
    {
        await HandAsync(pair.Destination, OpenFlags.O_RDONLY, ct);
        return Uri($"file:/dev/fdset/{Set}{_file.OffsetSuffix}");
    }

    /// <inheritdoc/>
    public override async Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct)
    {
        await _file.ConnectAsync(pair, ct);
        await HandAsync(pair.Source, OpenFlags.O_WRONLY | OpenFlags.O_CREAT, ct);
        return Uri($"file:/dev/fdset/{Set}{_file.OffsetSuffix}");
    }

    /// <summary>The file is as <see cref="FileChannel.VerifyCompletedAsync"/> wants it, and each side gives its set back.</summary>
    /// <exception cref="QemuMigTestException">It is not so.</exception>
    public override async Task VerifyCompletedAsync(MigrationPair pair, CancellationToken ct)
    {
        await _file.VerifyCompletedAsync(pair, ct);
        foreach (var side in new[] { pair.Source, pair.Destination })
        {
            await side.ExecuteAsync("remove-fd", new() { ["fdset-id"] = Set }, ct);
            var left = await side.ExecuteAsync("query-fdsets", null, ct);
            if (left.GetArrayLength() > 0)
            {
                throw new QemuMigTestException($"{side.Name}: the set of descriptors was removed after the migration and is still there: {left}");
            }
        }
    }

    private async Task HandAsync(MigrationSide side, OpenFlags mode, CancellationToken ct)
    {
        for (var number = 0; number < _descriptors; number++)
        {
            using var handle = Open(_file.FilePath, mode | (_directIo && number > 0 ? OpenFlags.O_DIRECT : 0));
            await side.Process.ExecuteWithDescriptorAsync("add-fd", new() { ["fdset-id"] = Set }, handle, ct);
        }
    }

    private static SafeFileHandle Open(string path, OpenFlags flags)
    {
        var fd = Syscall.open(path, flags | OpenFlags.O_CLOEXEC, FilePermissions.S_IRUSR | FilePermissions.S_IWUSR);
        return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw new IOException($"{path}: open({flags}): {Stdlib.strerror(Stdlib.GetLastError())}");
    }
}
