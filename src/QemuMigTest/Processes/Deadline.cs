namespace QemuMigTest.Processes;

/// <summary>Bounds a wait in time and tells the bound's end from the caller's cancellation.</summary>
internal static class Deadline
{
    /// <summary>Runs a wait with a token that also fires after a limit.</summary>
    /// <exception cref="WaitTimeoutException">The limit passed first.</exception>
    /// <exception cref="OperationCanceledException">The caller's token fired first.</exception>
    public static async Task<T> WithinAsync<T>(TimeSpan limit, Func<CancellationToken, Task<T>> wait, Func<WaitTimeoutException> late, CancellationToken ct)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(ct);
        bounded.CancelAfter(limit);
        try
        {
            return await wait(bounded.Token);
        }
        catch (OperationCanceledException) when (bounded.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw late();
        }
    }

    /// <inheritdoc cref="WithinAsync{T}"/>
    public static Task WithinAsync(TimeSpan limit, Func<CancellationToken, Task> wait, Func<WaitTimeoutException> late, CancellationToken ct) =>
        WithinAsync(limit, async token =>
        {
            await wait(token);
            return true;
        }, late, ct);
}
