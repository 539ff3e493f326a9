using System.Text.Json.Nodes;
using Mono.Unix.Native;
using QemuMigTest.Processes;

namespace QemuMigTest.Migration.Channels;

/// <summary>A command on each side (<c>exec:</c>), whose standard output and input are the stream: here a named pipe in the pair's scratch folder is between them.</summary>
internal sealed class ExecChannel : MigrationChannel
{
    private const FilePermissions OwnersAlone = FilePermissions.S_IRUSR | FilePermissions.S_IWUSR;
    private string? _pipe;

    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct)
    {
        _pipe = pair.Scratch.CreateChild("channel").File("pipe");
        if (Syscall.mkfifo(_pipe, OwnersAlone) != 0)
        {
            throw new QemuMigTestException($"{_pipe}: a named pipe cannot be made: {Stdlib.strerror(Stdlib.GetLastError())}");
        }

        return Task.FromResult(Uri($"exec:cat {QemuCommandLine.Quote([_pipe])}"));
    }

    public override Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri($"exec:cat > {QemuCommandLine.Quote([_pipe!])}"));
}
