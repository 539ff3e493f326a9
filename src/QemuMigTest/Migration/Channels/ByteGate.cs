namespace QemuMigTest.Migration.Channels;

/// <summary>Lets bytes by until it is shut, in the middle of what comes if need be.</summary>
internal sealed class ByteGate
{
    private readonly Lock _lock = new();
    private TaskCompletionSource? _shut;
    private long _left;

    /// <summary>Lets so many more bytes by, and then none until it is opened.</summary>
    public void ShutAfter(long bytes)
    {
        lock (_lock)
        {
            _left = bytes;
            _shut ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Lets all by again, also what waits.</summary>
    public void Open()
    {
        lock (_lock)
        {
            _shut?.SetResult();
            _shut = null;
        }
    }

    /// <summary>Waits until one byte may go by at least.</summary>
    /// <param name="bytes">How many there are.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <returns>How many of them may.</returns>
    public async Task<int> PassAsync(int bytes, CancellationToken ct)
    {
        while (true)
        {
            Task shut;
            lock (_lock)
            {
                if (_shut is null)
                {
                    return bytes;
                }

                if (_left > 0)
                {
                    var some = (int)Math.Min(bytes, _left);
                    _left -= some;
                    return some;
                }

                shut = _shut.Task;
            }

            await shut.WaitAsync(ct);
        }
    }
}
