using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Mono.Unix.Native;
using QemuMigTest.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Qmp;

/// <summary>The other side of a QMP connection, which says what a test has it say.</summary>
internal sealed class ScriptedQmpPeer : IDisposable
{
    public const string Greeting =
        """{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": "Debian 1:10.0.2"}, "capabilities": ["oob"]}}""";

    public const string GreetingWithoutOob =
        """{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": []}}""";

    private readonly List<byte> _unread = [];

    private ScriptedQmpPeer(Socket socket) => Socket = socket;

    public Socket Socket { get; }

    /// <summary>A connected pair of Unix sockets: ours, and the peer's.</summary>
    public static (Socket Ours, ScriptedQmpPeer Peer) Pair()
    {
        Syscall.socketpair(UnixAddressFamily.AF_UNIX, UnixSocketType.SOCK_STREAM, UnixSocketFlags.SOCK_CLOEXEC, 0, out var ours, out var theirs)
            .ShouldBe(0);
        return (new Socket(new SafeSocketHandle(ours, ownsHandle: true)), new ScriptedQmpPeer(new Socket(new SafeSocketHandle(theirs, ownsHandle: true))));
    }

    /// <summary>A client that has agreed on capabilities with this peer.</summary>
    public static async Task<(QmpClient Client, ScriptedQmpPeer Peer)> ConnectedAsync(QmpClientOptions? options = null, string greeting = Greeting)
    {
        var (ours, peer) = Pair();
        var connecting = QmpClient.ConnectAsync(ours, options ?? new() { Name = "source" }, Deadline());
        await peer.SendLineAsync(greeting);
        await peer.AnswerAsync("qmp_capabilities");
        return (await connecting, peer);
    }

    /// <summary>No test waits longer than this for what must come.</summary>
    public static CancellationToken Deadline() => new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token;

    public Task SendLineAsync(string line) => SendAsync(line + "\r\n");

    public async Task SendAsync(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        (await Socket.SendAsync(bytes, SocketFlags.None, Deadline())).ShouldBe(bytes.Length);
    }

    public Task SendEventAsync(string name, string data = "{}", int seconds = 1_700_000_000, int microseconds = 250_001) =>
        SendLineAsync($$"""{"timestamp": {"seconds": {{seconds}}, "microseconds": {{microseconds}}}, "event": "{{name}}", "data": {{data}}}""");

    /// <summary>The next command that the client sends.</summary>
    public async Task<JsonElement> ReadCommandAsync()
    {
        var chunk = new byte[4096];
        int newline;
        while ((newline = _unread.IndexOf((byte)'\n')) < 0)
        {
            var received = await Socket.ReceiveAsync(chunk, SocketFlags.None, Deadline());
            received.ShouldBeGreaterThan(0, "the client closed the connection");
            _unread.AddRange(chunk.AsSpan(0, received));
        }
        var line = _unread[..newline].ToArray();
        _unread.RemoveRange(0, newline + 1);
        return JsonElement.Parse(line);
    }

    /// <summary>Reads a command, which must be this one, and answers it.</summary>
    public async Task<JsonElement> AnswerAsync(string command, string value = "{}")
    {
        var sent = await ReadCommandAsync();
        NameOf(sent).ShouldBe(command);
        await ReturnAsync(sent, value);
        return sent;
    }

    public Task ReturnAsync(JsonElement command, string value = "{}") =>
        SendLineAsync($$"""{"return": {{value}}, "id": {{command.GetProperty("id")}}}""");

    public Task RefuseAsync(JsonElement command, string errorClass, string description) =>
        SendLineAsync($$"""{"id": {{command.GetProperty("id")}}, "error": {"class": "{{errorClass}}", "desc": "{{description}}"} }""");

    public static string? NameOf(JsonElement command) =>
        (command.TryGetProperty("execute", out var name) ? name : command.GetProperty("exec-oob")).GetString();

    public void Dispose() => Socket.Dispose();
}
