using System.Collections;
using System.Globalization;
using System.Text.Json;

namespace QemuMigTest.Qmp;

/// <summary>Every event of one connection, in the order QEMU sent them. A log, not a queue: nothing is ever taken out, so waiters do not disturb each other.</summary>
/// <remarks>Thread-safe. Enumerating goes over what was there when it began. An event that QEMU sent before a command's reply is in the log before that command returns.</remarks>
public sealed class QmpEventLog : IReadOnlyList<QmpEvent>
{
    private readonly Lock _lock = new();
    private readonly List<QmpEvent> _events = [];
    private readonly string _name;
    private TaskCompletionSource? _changed;
    private QmpDisconnect? _end;

    internal QmpEventLog(string name) => _name = name;

    /// <summary>The index that the next event will have.</summary>
    public int Position
    {
        get
        {
            lock (_lock)
                return _events.Count;
        }
    }

    public int Count => Position;

    public QmpEvent this[int index]
    {
        get
        {
            lock (_lock)
                return _events[index];
        }
    }

    /// <summary>What is in the log now.</summary>
    public IReadOnlyList<QmpEvent> Snapshot()
    {
        lock (_lock)
            return [.. _events];
    }

    public IEnumerator<QmpEvent> GetEnumerator() => Snapshot().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>A listener for the events of one name that come from now on.</summary>
    public QmpEventListener Listen(string eventName) => new(this, eventName);

    /// <summary>The first matching event at or behind a position, whether it is there already or still to come. No deadline: the caller cancels.</summary>
    /// <param name="match">Called once for each event, without a lock held; what it throws, this throws.</param>
    /// <param name="fromPosition">0 for the whole log, <see cref="Position"/> for what comes from now on.</param>
    /// <param name="what">What is waited for, for the error, as it reads after "while waiting for".</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="QmpInterruptedException">The connection ended without a match.</exception>
    /// <exception cref="OperationCanceledException">The token fired and no event that had come by then matched.</exception>
    public async Task<QmpEvent> WaitAsync(Func<QmpEvent, bool> match, int fromPosition, string what, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(match);
        ArgumentOutOfRangeException.ThrowIfNegative(fromPosition);
        for (var next = fromPosition; ;)
        {
            QmpEvent? candidate = null;
            QmpEvent? last = null;
            Task changed = Task.CompletedTask;
            QmpDisconnect? end;
            lock (_lock)
            {
                end = _end;
                if (next < _events.Count)
                {
                    candidate = _events[next];
                }
                else
                {
                    // Taken under the lock that events are added under: none can come in between unseen.
                    changed = (_changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                    last = _events.LastOrDefault();
                }
            }

            if (candidate is not null)
            {
                if (match(candidate))
                    return candidate;
                next++;
            }
            else if (end is not null)
            {
                throw new QmpInterruptedException(_name, end, $"{what}; {Describe(last)}");
            }
            else
            {
                await changed.WaitAsync(ct);
            }
        }
    }

    internal void Append(string eventName, JsonElement data, DateTimeOffset timestamp, TimeSpan received)
    {
        TaskCompletionSource? changed;
        lock (_lock)
        {
            _events.Add(new QmpEvent(eventName, data, timestamp, received, _events.Count));
            changed = _changed;
            _changed = null;
        }
        changed?.SetResult();
    }

    internal void End(QmpDisconnect end)
    {
        TaskCompletionSource? changed;
        lock (_lock)
        {
            _end = end;
            changed = _changed;
            _changed = null;
        }
        changed?.SetResult();
    }

    private static string Describe(QmpEvent? last) => last is null
        ? "no event was seen"
        : string.Create(CultureInfo.InvariantCulture,
            $"the last event seen was {last.Name} {QmpText.Cut(last.Data.GetRawText(), 200)} at {last.Received.TotalSeconds:F3} s (position {last.Position})");
}
