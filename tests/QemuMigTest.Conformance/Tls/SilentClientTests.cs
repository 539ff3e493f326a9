using QemuMigTest.Processes;
using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Tls;

/// <summary>Who connects to a destination with TLS has shown nothing yet, and must not hold it.</summary>
public sealed class SilentClientTests : TlsFixture
{
    // The first reply may come before QEMU has taken the connection.
    private const int Replies = 5;
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    [MigrationTest("/migration/precopy/tcp/tls/psk/silent-client")]
    public async Task A_destination_answers_and_lets_its_source_in_while_somebody_else_says_nothing(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Tls = TlsSettings.Psk, Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(new SilentClientChannel(async client =>
        {
            var held = await FindHeldAsync(pair.Destination, ct);
            if (Quirks.HandshakeHoldsMainLoop(Environment.Destination.Version))
            {
                (held is not null).ShouldBeTrue("a destination that waits for a client's handshake answers no command: known, and to be taken out of docs/findings.md when it does");
                NoteFault(Quirks.SilentClientHoldsMainLoopShown);
                client.Dispose();
                await held!;
                return;
            }

            (held is null).ShouldBeTrue("each query-status was to be replied to while a client is connected that says nothing");
        }), ct);
        await migration.CompleteAsync(ct);
    }

    // A query-status to which there is no reply while the client is there, or null.
    private static async Task<Task?> FindHeldAsync(MigrationSide side, CancellationToken ct)
    {
        for (var count = 0; count < Replies; count++)
        {
            var reply = side.QueryStatusAsync(ct);
            try
            {
                await side.Process.WhileAliveAsync("a reply to query-status", Silence, token => reply.WaitAsync(token), ct);
            }
            catch (WaitTimeoutException)
            {
                return reply;
            }
        }

        return null;
    }
}
