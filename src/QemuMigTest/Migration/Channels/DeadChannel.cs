using System.Text.Json.Nodes;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;

namespace QemuMigTest.Migration.Channels;

/// <summary>Two channels with nobody at their other ends: each side connects, and waits in vain.</summary>
/// <remarks>It stands for a manager that reconnects the wrong sockets while a postcopy is recovered.</remarks>
public sealed class DeadChannel : MigrationChannel
{
    private const string DescriptorName = "fd-dead";

    // QEMU_VM_COMMAND, the first byte that a source sends when it recovers: the destination starts to recover when it has it.
    private const byte FirstByteOfRecovery = 0x08;
    private readonly SocketPair _source = new();
    private readonly SocketPair _destination = new();
    private readonly bool _sourceIsBroken;

    /// <param name="sourceIsBroken">The source's channel is closed at its other end, so that the source finds out by itself.</param>
    public DeadChannel(bool sourceIsBroken) => _sourceIsBroken = sourceIsBroken;

    /// <inheritdoc/>
    public override async Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct)
    {
        WriteFirstByte(_destination.Second);
        return await HandAsync(pair.Destination, _destination.First, ct);
    }

    /// <inheritdoc/>
    public override async Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct)
    {
        if (_sourceIsBroken)
        {
            _source.Second.Dispose();
        }

        return await HandAsync(pair.Source, _source.First, ct);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _source.Dispose();
        _destination.Dispose();
        base.Dispose();
    }

    private static async Task<JsonObject> HandAsync(MigrationSide side, SafeFileHandle end, CancellationToken ct)
    {
        await side.Process.ExecuteWithDescriptorAsync("getfd", new() { ["fdname"] = DescriptorName }, end, ct);
        end.Dispose();
        return Uri($"fd:{DescriptorName}");
    }

    private static unsafe void WriteFirstByte(SafeFileHandle socket)
    {
        var first = FirstByteOfRecovery;
        if (Syscall.write((int)socket.DangerousGetHandle(), (IntPtr)(&first), 1) != 1)
        {
            throw new IOException($"write to a socket pair: {Stdlib.GetLastError()}");
        }
    }
}
