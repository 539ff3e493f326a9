using System.ComponentModel;
using System.Text.Json.Nodes;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Cancel;

/// <summary>The destination listens on a Unix socket, and the source writes into a pipe that nobody reads.</summary>
internal sealed class FullPipeChannel : MigrationChannel
{
    private readonly SafeFileHandle _reader;
    private readonly SafeFileHandle _writer;

    public FullPipeChannel()
    {
        if (Syscall.pipe(out var reader, out var writer) != 0)
        {
            throw new Win32Exception(NativeConvert.FromErrno(Stdlib.GetLastError()), "pipe");
        }

        (_reader, _writer) = (new(reader, ownsHandle: true), new(writer, ownsHandle: true));
    }

    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri($"unix:{pair.Scratch.CreateChild("channel").File("unix")}"));

    public override async Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct)
    {
        const string Name = "fd-pipe";
        await pair.Source.Process.ExecuteWithDescriptorAsync("getfd", new() { ["fdname"] = Name }, _writer, ct);
        return Uri($"fd:{Name}");
    }

    /// <summary>Waits until the source can write no more.</summary>
    public async Task WaitUntilFullAsync(MigrationPair pair, CancellationToken ct)
    {
        // Twice in a row: between two writes it is full, too, for a moment.
        var full = 0;
        await Poll.UntilAsync("source", "its pipe to be full", _ => Task.FromResult((full = IsFull() ? full + 1 : 0) > 2 ? this : null), () => "there is room", pair.Environment.Limits.Step, ct);
    }

    /// <summary>Closes the end that nobody has read from.</summary>
    public void CloseReader() => _reader.Dispose();

    public override void Dispose()
    {
        CloseReader();
        _writer.Dispose();
        base.Dispose();
    }

    private bool IsFull()
    {
        Pollfd[] polled = [new() { fd = (int)_writer.DangerousGetHandle(), events = PollEvents.POLLOUT }];
        return Syscall.poll(polled, 0) == 0;
    }
}
