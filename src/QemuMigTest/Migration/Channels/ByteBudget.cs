using System.Diagnostics;

namespace QemuMigTest.Migration.Channels;

/// <summary>How many bytes may go by, as time goes by.</summary>
/// <param name="bytesPerSecond">0 for any number.</param>
internal sealed class ByteBudget(long bytesPerSecond)
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _lifted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _start;
    private long _spent;

    /// <summary>How many a second; 0 for any number.</summary>
    public long BytesPerSecond => bytesPerSecond;

    /// <summary>Lets all bytes by from now on, also those that wait.</summary>
    public void Lift() => _lifted.TrySetResult();

    /// <summary>Waits until bytes may go by.</summary>
    public async Task SpendAsync(int bytes, CancellationToken ct)
    {
        if (bytesPerSecond == 0 || _lifted.Task.IsCompleted)
        {
            return;
        }

        TimeSpan due;
        lock (_lock)
        {
            _start = _start == 0 ? Stopwatch.GetTimestamp() : _start;
            _spent += bytes;
            due = TimeSpan.FromSeconds((double)_spent / bytesPerSecond) - Stopwatch.GetElapsedTime(_start);
        }

        if (due > TimeSpan.Zero)
        {
            await Task.WhenAny(Task.Delay(due, TimeProvider.System, ct), _lifted.Task);
            ct.ThrowIfCancellationRequested();
        }
    }
}
