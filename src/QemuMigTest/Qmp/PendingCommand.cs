using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace QemuMigTest.Qmp;

/// <summary>A command, from before it is sent until its reply has come, even if nobody waits for that any more.</summary>
internal sealed class PendingCommand
{
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly TaskCompletionSource<JsonElement> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _clientName;

    public PendingCommand(string clientName, long id, string name, JsonObject? arguments, bool outOfBand)
    {
        _clientName = clientName;
        Id = id;
        Name = name;
        OutOfBand = outOfBand;
        Line = Serialize(id, name, arguments, outOfBand);
    }

    public long Id { get; }

    public string Name { get; }

    public bool OutOfBand { get; }

    /// <summary>What is sent, its line end included.</summary>
    public ReadOnlyMemory<byte> Line { get; }

    /// <summary>Whether anybody still waits for the reply.</summary>
    public bool IsOver => _reply.Task.IsCompleted;

    /// <summary>The reply. When the token fires first the command is abandoned, and its reply will be dropped.</summary>
    public async Task<JsonElement> WaitAsync(CancellationToken ct)
    {
        // The source decides between a reply and the token that come at once; no error is left unobserved.
        using (ct.UnsafeRegister(static (state, token) => ((PendingCommand)state!)._reply.TrySetCanceled(token), this))
            return await _reply.Task;
    }

    public void Succeed(JsonElement value) => _reply.TrySetResult(value);

    public void Fail(QmpMessage.Error error) =>
        _reply.TrySetException(new QmpCommandException(_clientName, error.ErrorClass, error.Description, Name, QmpText.Of(Line.Span[..^1])));

    public void Interrupt(QmpDisconnect end) => _reply.TrySetException(new QmpInterruptedException(_clientName, end, $"the reply to '{Name}'"));

    private static byte[] Serialize(long id, string name, JsonObject? arguments, bool outOfBand)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString(outOfBand ? "exec-oob" : "execute", name);
            if (arguments is not null)
            {
                writer.WritePropertyName("arguments");
                arguments.WriteTo(writer);
            }
            writer.WriteNumber("id", id);
            writer.WriteEndObject();
        }
        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }
}
