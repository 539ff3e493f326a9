using System.Diagnostics.CodeAnalysis;

namespace QemuMigTest.Qmp;

/// <summary>The commands whose replies are still to come, by id.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A SemaphoreSlim whose wait handle is never asked for holds nothing, and may be waited on to the end.")]
internal sealed class PendingCommands(string clientName)
{
    /// <summary>
    /// QEMU queues 8 commands (QMP_REQ_QUEUE_LEN_MAX in monitor/qmp.c) and then stops reading, which would hold up out-of-band commands too.
    /// </summary>
    private const int QueueLength = 8;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, PendingCommand> _commands = [];
    private readonly SemaphoreSlim _queue = new(QueueLength);
    private QmpDisconnect? _end;

    /// <summary>Enters a command that is about to be sent, as soon as QEMU has a place for it in its queue.</summary>
    /// <exception cref="QmpInterruptedException">The connection has ended.</exception>
    public async Task AddAsync(PendingCommand command, CancellationToken ct)
    {
        if (!command.OutOfBand)
            await _queue.WaitAsync(ct);
        QmpDisconnect? end;
        lock (_lock)
        {
            end = _end;
            if (end is null)
                _commands.Add(command.Id, command);
        }
        if (end is null)
            return;
        // Gives the place to the next who waits for one, who then also finds the connection ended.
        Leave(command);
        throw new QmpInterruptedException(clientName, end, $"the command '{command.Name}' to be sent");
    }

    /// <summary>Takes the command that a reply belongs to; null when there is none of that id.</summary>
    public PendingCommand? Take(long id)
    {
        PendingCommand? command;
        lock (_lock)
            _commands.Remove(id, out command);
        if (command is not null)
            Leave(command);
        return command;
    }

    /// <summary>Takes the command that a reply without an id belongs to: the only one there is; null when there are none or several.</summary>
    public PendingCommand? TakeOnly()
    {
        PendingCommand command;
        lock (_lock)
        {
            if (_commands.Count != 1)
                return null;
            command = _commands.Values.First();
            _commands.Clear();
        }
        Leave(command);
        return command;
    }

    /// <summary>Interrupts all commands, and each that comes later.</summary>
    public void End(QmpDisconnect end)
    {
        List<PendingCommand> interrupted;
        lock (_lock)
        {
            _end = end;
            interrupted = [.. _commands.Values];
            _commands.Clear();
        }
        foreach (var command in interrupted)
        {
            command.Interrupt(end);
            Leave(command);
        }
    }

    private void Leave(PendingCommand command)
    {
        if (!command.OutOfBand)
            _queue.Release();
    }
}
