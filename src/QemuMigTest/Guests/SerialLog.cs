using System.Net.Sockets;
using System.Text;
using QemuMigTest.Processes;

namespace QemuMigTest.Guests;

/// <summary>What a guest wrote on its serial line: a log of characters, read as they come.</summary>
public sealed class SerialLog : IAsyncDisposable
{
    private readonly QemuProcess _process;
    private readonly List<char> _characters = [];
    private readonly Task _reading;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _ended;

    /// <summary>Starts to read the serial line of a QEMU that was started with one.</summary>
    public SerialLog(QemuProcess process)
    {
        _process = process;
        var socket = process.SerialSocket ?? throw new ArgumentException("This QEMU has no serial connection.", nameof(process));
        _reading = ReadAsync(socket);
    }

    /// <summary>How many characters there are: the position of the next.</summary>
    public int Position
    {
        get
        {
            lock (_characters)
            {
                return _characters.Count;
            }
        }
    }

    /// <summary>All characters so far.</summary>
    public string Text
    {
        get
        {
            lock (_characters)
            {
                return new string([.. _characters]);
            }
        }
    }

    /// <summary>Waits for a character at or after a position.</summary>
    /// <returns>The position behind it.</returns>
    /// <exception cref="WaitTimeoutException">It did not come in time.</exception>
    /// <exception cref="QemuExitedException">QEMU ended first.</exception>
    public Task<int> WaitForAsync(char marker, int from, CancellationToken ct)
    {
        var what = $"'{marker}' on the serial line";
        var limit = _process.Options.Limits.Step;
        return _process.WhileAliveAsync(what, limit, async token =>
        {
            try
            {
                return await FindAsync(marker, from, token);
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                throw new WaitTimeoutException(_process.Name, what, limit, $"serial line so far: {Tail()}; {_process.LastSeen()}");
            }
        }, ct);
    }

    /// <summary>Sends characters to the guest, all at once.</summary>
    /// <param name="characters">They must be ASCII, and few: QEMU takes no more than the port has room for.</param>
    /// <param name="ct">Ends it.</param>
    public async Task SendAsync(string characters, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(characters);
        await _process.SerialSocket!.SendAsync(Encoding.ASCII.GetBytes(characters), ct);
    }

    /// <summary>Waits for the reader to end; the socket is the process's.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.SerialSocket?.Dispose();
        await _reading;
    }

    /// <summary>The last characters, for errors.</summary>
    public string Tail()
    {
        var text = Text;
        return text.Length == 0 ? "nothing" : text.Length <= 20 ? $"\"{text}\"" : $"{text.Length} characters, the last \"{text[^20..]}\"";
    }

    private async Task<int> FindAsync(char marker, int from, CancellationToken ct)
    {
        while (true)
        {
            Task changed;
            lock (_characters)
            {
                var index = from > _characters.Count ? -1 : _characters.IndexOf(marker, from);
                if (index >= 0)
                {
                    return index + 1;
                }

                if (_ended)
                {
                    throw new EndOfStreamException($"{_process.Name}: the serial line ended while '{marker}' was waited for.");
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(ct);
        }
    }

    private async Task ReadAsync(Socket socket)
    {
        var buffer = new byte[256];
        var count = 1;
        while (count > 0)
        {
            try
            {
                count = await socket.ReceiveAsync(buffer, CancellationToken.None);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // A QEMU that was killed resets the connection: its end, like any other.
                count = 0;
            }

            TaskCompletionSource changed;
            lock (_characters)
            {
                _characters.AddRange(buffer.AsSpan(0, count).ToArray().Select(b => (char)b));
                _ended = count == 0;
                changed = _changed;
                _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            changed.SetResult();
        }
    }
}
