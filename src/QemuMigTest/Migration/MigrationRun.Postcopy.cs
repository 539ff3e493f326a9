using QemuMigTest.Migration.Channels;

namespace QemuMigTest.Migration;

// Postcopy, its pause and its recovery.
public sealed partial class MigrationRun
{
    /// <summary>Switches to postcopy (migrate-start-postcopy, since 2.6): the destination runs when this returns, or has its guest stopped if it was.</summary>
    public async Task StartPostcopyAsync(CancellationToken ct)
    {
        await WatchAsync(async token =>
        {
            await Source.ExecuteAsync("migrate-start-postcopy", null, token);
            if (Pair.SourceStopped)
            {
                await Destination.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct: token);
                return;
            }

            await Source.WaitForEventAsync("STOP", SourceEvents, token);
            await Destination.WaitForEventAsync("RESUME", DestinationEvents, token);
        }, ct);
        Pair.HandOver();
    }

    /// <summary>Breaks postcopy's channel on the source (migrate-pause, since 3.0) and waits until both sides have noticed.</summary>
    public Task PauseAsync(CancellationToken ct) => WatchAsync(async token =>
    {
        await Source.PausePostcopyAsync(token);
        await Destination.WaitForStatusAsync(MigrationStatus.PostcopyPaused, ct: token);
    }, ct);

    /// <summary>Breaks postcopy's channel on one side (yank) and waits until both have noticed.</summary>
    /// <param name="side">The side that drops it.</param>
    /// <param name="ct">Ends the wait.</param>
    public Task YankAsync(MigrationSide side, CancellationToken ct) => WatchAsync(async token =>
    {
        await side.YankAsync(token);
        await Source.WaitForStatusAsync(MigrationStatus.PostcopyPaused, ct: token);
        await Destination.WaitForStatusAsync(MigrationStatus.PostcopyPaused, ct: token);
    }, ct);

    /// <summary>Goes on with a paused postcopy over another channel (migrate-recover, migrate with resume; since 3.0).</summary>
    public async Task RecoverAsync(MigrationChannel channel, CancellationToken ct)
    {
        Channel.Dispose();
        Channel = channel;
        await Destination.ExecuteOutOfBandAsync("migrate-recover", await channel.ListenAsync(Pair, ct), ct);
        var arguments = await channel.ConnectAsync(Pair, ct);
        arguments["resume"] = true;
        await Source.ExecuteAsync("migrate", arguments, ct);
    }
}
