using System.Text;
using System.Text.Json;

namespace QemuMigTest.Streams;

internal ref partial struct DescriptionParser
{
    private void Next()
    {
        if (!_json.Read())
        {
            throw Error("more of the description", "its end");
        }
    }

    private bool NextElement()
    {
        Next();
        return _json.TokenType != JsonTokenType.EndArray;
    }

    private string? NextProperty()
    {
        Next();
        if (_json.TokenType == JsonTokenType.EndObject)
        {
            return null;
        }

        var name = Text("a name");
        Next();
        return name;
    }

    private void Expect(JsonTokenType type, string what)
    {
        if (_json.TokenType != type)
        {
            throw Error(what, $"{_json.TokenType}");
        }
    }

    private string Text(string what)
    {
        if (_json.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName))
        {
            throw Error($"{what}, a text", $"{_json.TokenType}");
        }

        try
        {
            var text = _json.GetString()!;
            return text.Any(char.IsControl) ? throw Error($"{what}, a text of printable characters", StreamInput.Hex(Encoding.UTF8.GetBytes(text))) : text;
        }
        catch (InvalidOperationException e)
        {
            throw Error($"{what}, a text", e.Message);
        }
    }

    private long Number(string what)
    {
        Expect(JsonTokenType.Number, what);
        return _json.TryGetInt64(out var value) ? value : throw Error($"{what}, a whole number", "another");
    }

    private long Size(string what) => Number(what) is >= 0 and var size ? size : throw Error("a size", "a negative number");

    private int? Int(long? value, string what) => value is null or (>= 0 and <= int.MaxValue) ? (int?)value : throw Error(what, $"{value}");

    private StreamFormatException Error(string expected, string seen) => _input.Error(_offset + _json.TokenStartIndex, $"{expected} in the description", seen);
}
