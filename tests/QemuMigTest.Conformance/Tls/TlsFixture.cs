using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Tls;

/// <summary>The steps that migrations with TLS have in common.</summary>
[RequiresTls]
public abstract class TlsFixture : MigrationFixture
{
    /// <summary>Starts a pair, whose guest runs and is let go at once: all that is special here comes before RAM.</summary>
    protected Task<MigrationPair> StartPairAsync(TlsSettings tls, string capabilities, CancellationToken ct) => StartPairAsync(new()
    {
        Tls = tls,
        Capabilities = MigrationCapability.Several(capabilities),
        Parameters = capabilities.Contains("multifd", StringComparison.Ordinal) ? new() { ["multifd-channels"] = 4 } : [],
        Convergence = Convergence.Allowed,
    }, ct);

    /// <summary>Starts a pair and its migration.</summary>
    protected async Task<MigrationRun> MigrateAsync(TlsSettings tls, TlsTransport transport, string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(tls, capabilities, ct);
        return await pair.MigrateAsync(transport switch
        {
            TlsTransport.Unix => MigrationChannel.Unix,
            TlsTransport.Descriptor => DescriptorChannel.OfSocketPair(),
            _ => MigrationChannel.Tcp,
        }, ct);
    }
}
