using QemuMigTest.Binaries;
using QemuMigTest.Conformance.Cancel;
using QemuMigTest.Conformance.Tls;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;
using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Aftermath;

/// <summary>A source that waits for its peer is cancelled like any other.</summary>
public sealed class CancelledWhileWaitingTests : AftermathFixture
{
    private const int PageSize = 4096;
    private const string Busy = "in progress";
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    private QemuVersion Version => Environment.Source.Version;

    [MigrationTest("/migration/aftermath/cancelled/connecting/refused", false, "")]
    [MigrationTest("/migration/aftermath/cancelled/connecting/accepted", true, "")]
    [MigrationTest("/migration/aftermath/cancelled/connecting/return-path/refused", false, "return-path")]
    [MigrationTest("/migration/aftermath/cancelled/connecting/return-path/accepted", true, "return-path")]
    public async Task The_guest_moves_after_a_cancel_while_its_source_connects(bool accepted, [Capabilities] string capabilities, CancellationToken ct)
    {
        var (pair, channel, migration) = await ConnectAsync(ct, capabilities);
        await CancelWaitingAsync(migration, Quirks.CancelWaitsForConnection(Version) ? Quirks.CancelWaitsForConnectionShown : null, async () =>
        {
            if (accepted)
            {
                if (capabilities.Length > 0 && Quirks.CancelledReturnPathHoldsMainLoop(Version))
                {
                    await channel.AcceptAndHearAsync(pair, ct);
                    // Not at once: it joins the return path's thread a moment after its first bytes.
                    await Poll.UntilAsync(pair.Source.Name, "it to answer no command, as one that was cancelled while it connects does not once the connection is made: known, and to be taken out of docs/findings.md when it answers",
                        async token => await IsSilentAsync(pair.Source.QueryStatusAsync(token), pair, token) ? this : null, pair.Source.Process.LastSeen, Environment.Limits.Step, ct);
                    NoteFault(Quirks.CancelledReturnPathHoldsMainLoopShown);
                    channel.HangUp();
                    return;
                }

                await channel.AcceptAsync(ct);
                (await channel.ReadToEndAsync(ct)).ShouldBeLessThan(PageSize, "bytes of a migration that was cancelled before its connection was made: none of RAM");
            }

            channel.HangUp();
        }, ct);
        // No event tells of the end of a connection that nobody wants any more.
        await Poll.UntilAsync(pair.Source.Name, "query-yank to name no migration any more", async token =>
            (await pair.Source.ExecuteAsync("query-yank", null, token)).EnumerateArray().Any(instance => instance.GetProperty("type").GetString() == "migration") ? null : this,
            pair.Source.Process.LastSeen, Environment.Limits.Step, ct);
        await MoveAfterwardsAsync(pair, MigrationChannel.Unix, ct);
    }

    [MigrationTest("/migration/aftermath/cancelled/connecting/again")]
    public async Task The_guest_moves_elsewhere_while_a_connection_is_made_that_was_cancelled(CancellationToken ct)
    {
        var (pair, channel, migration) = await ConnectAsync(ct);
        if (Quirks.CancelWaitsForConnection(Version))
        {
            await migration.RequestCancelAsync(ct);
            await SeeCancellingAsync(migration, Quirks.CancelWaitsForConnectionShown, ct);
            channel.HangUp();
        }

        await migration.CancelAsync(DestinationEnd.Stays, ct);
        await pair.StartAnotherDestinationAsync(ct);
        if (Quirks.CancelledConnectionRevives(Version))
        {
            await SeeRevivalAsync(pair, channel, ct);
            return;
        }

        var next = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        channel.HangUp();
        await next.CompleteAsync(ct);
    }

    [MigrationTest("/migration/aftermath/cancelled/handshake/plain", "")]
    [MigrationTest("/migration/aftermath/cancelled/handshake/multifd", "multifd")]
    [RequiresTls]
    public async Task The_guest_moves_after_a_cancel_while_nobody_answers_its_source_s_handshake([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(Options with { Capabilities = MigrationCapability.Several(capabilities), Tls = TlsSettings.Psk }, ct);
        var channel = new HeldSocketChannel(full: false);
        var migration = await pair.MigrateAsync(channel, ct);
        await channel.AcceptAndHearAsync(pair, ct);
        if (Quirks.HandshakeHoldsMainLoop(Version))
        {
            var cancel = migration.RequestCancelAsync(ct);
            (await IsSilentAsync(cancel, pair, ct)).ShouldBeTrue("a source that waits for an answer to its handshake answers no command: known, and to be taken out of docs/findings.md when it does");
            NoteFault(Quirks.HandshakeHoldsMainLoopShown);
            channel.HangUp();
            await cancel;
            await migration.FailAsync(TlsTexts.HandshakeFailed, DestinationEnd.Stays, ct);
        }
        else
        {
            await migration.CancelAsync(DestinationEnd.Stays, ct);
        }

        await MoveAfterwardsAsync(pair, MigrationChannel.Unix, ct);
    }

    [MigrationTest("/migration/aftermath/cancelled/unread/plain", "", 0)]
    [MigrationTest("/migration/aftermath/cancelled/unread/multifd", "multifd", 2)]
    public async Task The_guest_moves_after_a_cancel_while_its_source_s_peer_reads_nothing([Capabilities] string capabilities, int channels, CancellationToken ct)
    {
        var pair = await StartPairAsync(Options with { Capabilities = MigrationCapability.Several(capabilities) }, ct);
        var channel = new HeldSocketChannel(full: false);
        var migration = await pair.MigrateAsync(channel, ct);
        await channel.WaitUntilFullAsync(pair, channels, ct);
        await CancelWaitingAsync(migration, channels > 0 && Quirks.MultifdCancelWaitsForReader(Version) ? Quirks.MultifdCancelWaitsForReaderShown : null, () =>
        {
            channel.HangUp();
            return Task.CompletedTask;
        }, ct);
        await MoveAfterwardsAsync(pair, MigrationChannel.Unix, ct);
    }

    [MigrationTest("/migration/aftermath/cancelled/full-pipe")]
    public async Task The_guest_moves_after_a_cancel_while_nobody_reads(CancellationToken ct)
    {
        var pair = await StartPairAsync(Options, ct);
        var channel = new FullPipeChannel();
        var migration = await pair.MigrateAsync(channel, ct);
        await channel.WaitUntilFullAsync(pair, ct);
        await CancelWaitingAsync(migration, Quirks.CancelWaitsForReader(Version) ? Quirks.CancelWaitsForReaderShown : null, () =>
        {
            channel.CloseReader();
            return Task.CompletedTask;
        }, ct);
        await MoveAfterwardsAsync(pair, MigrationChannel.Unix, ct);
    }

    private static PairOptions Options => new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB };

    private async Task<(MigrationPair Pair, HeldSocketChannel Channel, MigrationRun Migration)> ConnectAsync(CancellationToken ct, string capabilities = "")
    {
        var pair = await StartPairAsync(Options with { Capabilities = MigrationCapability.Several(capabilities) }, ct);
        var channel = new HeldSocketChannel(full: true);
        return (pair, channel, await pair.MigrateAsync(channel, ct));
    }

    // The source is to be cancelled while it waits; by a known fault it is when its wait is over.
    private static async Task CancelWaitingAsync(MigrationRun migration, string? fault, Func<Task> endWait, CancellationToken ct)
    {
        if (fault is null)
        {
            await migration.CancelAsync(DestinationEnd.Stays, ct);
            await endWait();
            return;
        }

        await migration.RequestCancelAsync(ct);
        await SeeCancellingAsync(migration, fault, ct);
        await endWait();
        await migration.CancelAsync(DestinationEnd.Stays, ct);
    }

    private static async Task<bool> IsSilentAsync(Task command, MigrationPair pair, CancellationToken ct)
    {
        try
        {
            await pair.Source.Process.WhileAliveAsync("a reply", Silence, async token =>
            {
                await command.WaitAsync(token);
                return pair;
            }, ct);
            return false;
        }
        catch (WaitTimeoutException)
        {
            return true;
        }
    }

    private static async Task SeeCancellingAsync(MigrationRun migration, string fault, CancellationToken ct)
    {
        await migration.WaitForStatusAsync(MigrationStatus.Cancelling, ct);
        var refusal = await Should.ThrowAsync<QmpCommandException>(() => migration.Source.ExecuteAsync("migrate", new() { ["uri"] = "tcp:127.0.0.1:1" }, ct),
            "a source that was cancelled while it waits can migrate to nobody else: known, and to be taken out of docs/findings.md when it can");
        refusal.Description.ShouldContain(Busy);
        (await migration.Source.QueryMigrateAsync(ct)).Status.ShouldBe(MigrationStatus.Cancelling, "known, and to be taken out of docs/findings.md when it is cancelled");
        NoteFault(fault);
    }

    private async Task SeeRevivalAsync(MigrationPair pair, HeldSocketChannel channel, CancellationToken ct)
    {
        // The guest goes where it must not: no oracle could be content.
        Release(pair);
        var refusal = await Should.ThrowAsync<QmpCommandException>(() => pair.MigrateAsync(MigrationChannel.Unix, ct), "known, and to be taken out of docs/findings.md when it is accepted");
        refusal.Description.ShouldContain(Quirks.MigrateInPostcopyError);
        var from = pair.Source.EventPosition;
        await channel.AcceptAsync(ct);
        (await channel.ReadToEndAsync(ct)).ShouldBeGreaterThan(PairOptions.SmallRegionMiB << 20, "bytes of the migration that was cancelled: all of RAM");
        await pair.Source.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, from, $"migration status {MigrationStatus.Completed}", ct);
        NoteFault(Quirks.CancelledConnectionRevivesShown);
    }
}
