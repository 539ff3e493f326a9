using QemuMigTest.Conformance.Postcopy;
using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Tls;

/// <summary>Who may migrate to a destination may be told from others again when a postcopy recovers: a paused guest is still to be had.</summary>
[RequiresTls]
public sealed class RecoveryAuthorizationTests : RecoveryFixture
{
    private const string HostileId = "tls-hostile";
    private static readonly X509Subject Friendly = new("friendly client");
    private static readonly X509Subject Hostile = new("hostile client");

    [MigrationTest("/migration/promises/tls-authz/recovery"), RequiresVersion(8, 2, "a recovery that came to nothing is not begun again before")]
    public async Task A_recovery_by_another_than_the_one_that_may_is_rejected(CancellationToken ct)
    {
        var server = new X509Credentials(new X509Subject("server") { IPAddress = "127.0.0.1" }) { AllowedIdentity = Friendly.DistinguishedName };
        var migration = await LoseChannelAsync(new()
        {
            Tls = new(new X509Credentials(Friendly), server),
            SourceArguments = new X509Credentials(Hostile).Prepare(TlsEndpoint.Client, Environment.Tls, Session.Scratch.CreateChild("hostile"), HostileId).CommandLine,
        }, ct);
        var (source, destination) = (migration.Source, migration.Destination);
        await source.SetParametersAsync(new() { ["tls-creds"] = HostileId }, ct);
        var (fromSource, fromDestination) = (source.EventPosition, destination.EventPosition);
        await migration.RecoverAsync(MigrationChannel.Tcp, ct);
        await source.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.PostcopyPaused, fromSource, $"migration status {MigrationStatus.PostcopyPaused}", ct);
        destination.Process.Qmp.Events.Skip(fromDestination).Select(MigrationSide.StatusOf).ShouldNotContain(MigrationStatus.PostcopyRecover, "the destination should not talk to it");
        destination.Process.Stderr.ShouldContain(TlsTexts.Denied(Hostile.DistinguishedName));

        await source.SetParametersAsync(new() { ["tls-creds"] = TlsCredentials.ObjectId }, ct);
        await migration.RecoverAsync(MigrationChannel.Tcp, ct);
        await source.SetParametersAsync(new() { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
    }
}
