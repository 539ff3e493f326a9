namespace QemuMigTest.Qmp;

/// <summary>
/// Waits for the events of one name that came after this listener was made: make it, cause the event, await it, and it cannot be missed.
/// Nothing is taken away from other listeners.
/// </summary>
/// <remarks>For one caller at a time: each wait goes on behind the event that the wait before returned.</remarks>
public sealed class QmpEventListener
{
    private readonly QmpEventLog _log;
    private readonly string _eventName;
    private int _position;

    internal QmpEventListener(QmpEventLog log, string eventName)
    {
        _log = log;
        _eventName = eventName;
        _position = log.Position;
    }

    /// <summary>The next event of that name.</summary>
    /// <exception cref="QmpInterruptedException">The connection ended without one.</exception>
    /// <exception cref="OperationCanceledException">The token fired first.</exception>
    public async Task<QmpEvent> WaitAsync(CancellationToken ct)
    {
        var found = await _log.WaitAsync(e => e.Name == _eventName, _position, $"event {_eventName}", ct);
        _position = found.Position + 1;
        return found;
    }
}
