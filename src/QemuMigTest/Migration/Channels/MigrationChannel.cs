using System.Text.Json.Nodes;

namespace QemuMigTest.Migration.Channels;

/// <summary>What carries a migration from one side to the other. One object serves one migration.</summary>
public abstract class MigrationChannel : IDisposable
{
    /// <summary>TCP on the loopback, at a port that the kernel chooses.</summary>
    public static MigrationChannel Tcp => new TcpChannel();

    /// <summary>The same, its address given as a list of channels (since 8.2) and not as a URI.</summary>
    public static MigrationChannel TcpByAddress => new TcpAddressChannel();

    /// <summary>A Unix socket in the pair's scratch folder.</summary>
    public static MigrationChannel Unix => new UnixChannel();

    /// <summary>A command on each side (<c>exec:</c>).</summary>
    public static MigrationChannel Exec => new ExecChannel();

    /// <summary>Whether the source must be done before the destination may start to read, as with a file.</summary>
    public virtual bool DestinationReadsAfterwards => false;

    /// <summary>Prepares the destination's end.</summary>
    /// <returns>The arguments of migrate-incoming.</returns>
    public abstract Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct);

    /// <summary>Prepares the source's end.</summary>
    /// <returns>The arguments of migrate.</returns>
    public abstract Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct);

    /// <summary>What must hold when a migration over it has completed; throws when it does not.</summary>
    public virtual Task VerifyCompletedAsync(MigrationPair pair, CancellationToken ct) => Task.CompletedTask;

    /// <summary>Closes what it holds.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);

    /// <summary>Arguments that name a channel by its URI.</summary>
    protected static JsonObject Uri(string uri) => new() { ["uri"] = uri };

    /// <summary>Arguments that name the main channel by its address (QAPI MigrationAddress, since 8.2).</summary>
    protected static JsonObject Main(JsonObject address) => new() { ["channels"] = new JsonArray(new JsonObject { ["channel-type"] = "main", ["addr"] = address }) };
}
