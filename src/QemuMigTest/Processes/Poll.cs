namespace QemuMigTest.Processes;

/// <summary>Waits for what sends no event, such as a byte of guest memory.</summary>
public static class Poll
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    /// <summary>Asks again and again, with a pause of 1 ms, until the answer is there.</summary>
    /// <param name="side">Whose state is polled, for the error.</param>
    /// <param name="reason">What is waited for, for the error.</param>
    /// <param name="probe">Gives null while it is not there.</param>
    /// <param name="lastSeen">Says what was seen last, for the error.</param>
    /// <param name="limit">How long at most.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="WaitTimeoutException">It did not come in time.</exception>
    public static Task<T> UntilAsync<T>(string side, string reason, Func<CancellationToken, Task<T?>> probe, Func<string> lastSeen, TimeSpan limit, CancellationToken ct)
        where T : class => Deadline.WithinAsync(limit, async token =>
        {
            while (true)
            {
                token.ThrowIfCancellationRequested();
                if (await probe(token) is { } found)
                {
                    return found;
                }

                await Task.Delay(Pause, TimeProvider.System, token);
            }
        }, () => new WaitTimeoutException(side, reason, limit, lastSeen()), ct);
}
