using QemuMigTest.Migration.Channels;

namespace QemuMigTest.Migration;

// Migrations whose destination joins while they are under way.
public sealed partial class MigrationRun
{
    /// <summary>The destination had begun to listen before its monitor answered: its first statuses are not in its log.</summary>
    public bool DestinationJoinedLate { get; private set; }

    private async Task StartTransferAsync(CprTransferChannel channel, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var starting = Pair.StartDestinationSideAsync(channel.Open(Pair), stop.Token);
        try
        {
            await PairWatch.WhileAliveAsync($"migration {Number}", async token =>
            {
                await channel.WaitForListenerAsync(starting, Pair.Environment.Limits.Start, token);
                await Source.ExecuteAsync("migrate", await channel.ConnectAsync(Pair, token), token);
                Join(await starting.WaitAsync(token));
            }, ct, Source);
        }
        catch
        {
            await stop.CancelAsync();
            if (await Task.WhenAny(starting) is { IsCompletedSuccessfully: true, Result: var started })
            {
                await started.DisposeAsync();
            }

            throw;
        }

        channel.CloseCpr();
        if (channel.Deferred)
        {
            await ListenAsync(ct);
        }
        else
        {
            DestinationJoinedLate = true;
        }
    }

    private void Join(MigrationSide destination)
    {
        Destination = destination;
        Pair.Join(destination);
    }
}
