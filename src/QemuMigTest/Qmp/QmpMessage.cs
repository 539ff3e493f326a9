using System.Text.Json;

namespace QemuMigTest.Qmp;

/// <summary>What QEMU sends behind the greeting: a return, an error, or an event.</summary>
internal abstract record QmpMessage
{
    private static readonly JsonElement EmptyObject = JsonElement.Parse("{}");
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 1024 };

    private QmpMessage()
    {
    }

    /// <summary>A command succeeded.</summary>
    public sealed record Return(long Id, JsonElement Value) : QmpMessage;

    /// <summary>A command failed; QEMU leaves the id out when it could not read the command at all.</summary>
    public sealed record Error(long? Id, string ErrorClass, string Description) : QmpMessage;

    /// <summary>An event.</summary>
    public sealed record Event(string Name, JsonElement Data, DateTimeOffset Timestamp) : QmpMessage;

    /// <summary>The message that a line holds; its elements outlive the line.</summary>
    /// <exception cref="QmpProtocolException">It holds none.</exception>
    public static QmpMessage Parse(ReadOnlyMemory<byte> line, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(line, Options);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw new QmpProtocolException(name, "what came is JSON but no object", QmpText.Of(line.Span));
            if (root.TryGetProperty("return", out var value))
                return new Return(root.GetProperty("id").GetInt64(), value.Clone());
            if (root.TryGetProperty("error", out var error))
            {
                long? id = root.TryGetProperty("id", out var sent) ? sent.GetInt64() : null;
                return new Error(id, StringOf(error, "class"), StringOf(error, "desc"));
            }
            if (root.TryGetProperty("event", out _))
            {
                var data = root.TryGetProperty("data", out var given) ? given.Clone() : EmptyObject;
                return new Event(StringOf(root, "event"), data, TimeOf(root.GetProperty("timestamp")));
            }
        }
        catch (JsonException e)
        {
            throw new QmpProtocolException(name, "what came is not JSON", QmpText.Of(line.Span), e);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException or ArgumentOutOfRangeException)
        {
            throw new QmpProtocolException(name, "what came lacks a member of a QMP message, or has it of another type", QmpText.Of(line.Span), e);
        }
        throw new QmpProtocolException(name, "what came is no return, no error and no event", QmpText.Of(line.Span));
    }

    private static string StringOf(JsonElement element, string property) =>
        element.GetProperty(property).GetString() ?? throw new FormatException($"'{property}' is null");

    private static DateTimeOffset TimeOf(JsonElement timestamp) =>
        DateTimeOffset.FromUnixTimeSeconds(timestamp.GetProperty("seconds").GetInt64()).AddMicroseconds(timestamp.GetProperty("microseconds").GetInt64());
}
