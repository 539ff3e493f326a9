using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace QemuMigTest.Streams;

/// <summary>Makes a <see cref="StreamDescription"/> of the JSON at a stream's end.</summary>
internal ref partial struct DescriptionParser
{
    private readonly StreamInput _input;
    private readonly long _offset;
    private readonly int _length;
    private Utf8JsonReader _json;

    private DescriptionParser(StreamInput input, long offset, byte[] json)
    {
        _input = input;
        _offset = offset;
        _length = json.Length;
        _json = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = StreamLimits.DescriptionDepth });
    }

    /// <summary>Parses it.</summary>
    /// <param name="input">For errors.</param>
    /// <param name="offset">Where in the file the JSON starts.</param>
    /// <param name="json">The JSON.</param>
    /// <exception cref="StreamFormatException">It is none, or lacks something.</exception>
    public static StreamDescription Parse(StreamInput input, long offset, byte[] json)
    {
        var parser = new DescriptionParser(input, offset, json);
        try
        {
            return parser.ParseDocument();
        }
        catch (JsonException e)
        {
            throw input.Error(offset + parser._json.BytesConsumed, "the JSON that describes the devices", e.Message, e);
        }
    }

    private StreamDescription ParseDocument()
    {
        VmStateDescription? configuration = null;
        long? pageSize = null;
        List<DescribedDevice>? devices = null;
        Next();
        Expect(JsonTokenType.StartObject, "an object");
        while (NextProperty() is { } name)
        {
            switch (name)
            {
                case "configuration":
                    configuration = ParseState();
                    break;
                case "page_size":
                    pageSize = Number(name);
                    break;
                case "devices":
                    devices = ParseDevices();
                    break;
                default:
                    _json.Skip();
                    break;
            }
        }

        if (pageSize is not { } size || !BitOperations.IsPow2(size) || BitOperations.Log2((ulong)size) is < StreamLimits.MinPageBits or > StreamLimits.MaxPageBits)
        {
            throw Error($"page_size, a power of two from {1 << StreamLimits.MinPageBits} to {1 << StreamLimits.MaxPageBits}", pageSize?.ToString(CultureInfo.InvariantCulture) ?? "none");
        }

        if (_json.Read())
        {
            throw Error("the end of the description", "more JSON");
        }

        return new StreamDescription
        {
            Offset = _offset,
            Length = _length,
            PageSize = (int)size,
            Configuration = configuration,
            Devices = devices ?? throw Error("a list of devices", "none"),
        };
    }

    private List<DescribedDevice> ParseDevices()
    {
        List<DescribedDevice> devices = [];
        HashSet<(string, uint)> known = [];
        Expect(JsonTokenType.StartArray, "a list of devices");
        while (NextElement())
        {
            var device = ParseDevice();
            devices.Add(known.Add((device.Name, device.InstanceId)) ? device : throw Error("each device once", $"'{device.Name}' {device.InstanceId} again"));
        }

        return devices;
    }

    private DescribedDevice ParseDevice()
    {
        string? device = null;
        long? instance = null;
        Expect(JsonTokenType.StartObject, "a device");
        var state = new StateParts();
        while (NextProperty() is { } name)
        {
            switch (name)
            {
                case "name":
                    device = Text(name);
                    break;
                case "instance_id":
                    instance = Number(name);
                    break;
                default:
                    TakeStateProperty(name, state);
                    break;
            }
        }

        return instance is >= 0 and <= uint.MaxValue
            ? new DescribedDevice(device ?? throw Error("the name of a device", "none"), (uint)instance, Built(state))
            : throw Error($"the instance_id of '{device}'", instance?.ToString(CultureInfo.InvariantCulture) ?? "none");
    }

    private VmStateDescription ParseState()
    {
        Expect(JsonTokenType.StartObject, "an object");
        var state = new StateParts();
        while (NextProperty() is { } name)
        {
            TakeStateProperty(name, state);
        }

        return Built(state);
    }

    private VmStateDescription Built(StateParts parts) => new()
    {
        Name = parts.Name,
        Version = parts.Version,
        Size = parts.Size,
        Fields = parts.Fields ?? throw Error("a list of fields", "none"),
        Subsections = parts.Subsections ?? [],
    };

    private void TakeStateProperty(string name, StateParts state)
    {
        switch (name)
        {
            case "vmsd_name":
                state.Name = Text(name);
                break;
            case "version":
                state.Version = Number(name);
                break;
            case "size":
                state.Size = Size(name);
                break;
            case "fields":
                state.Fields = ParseFields();
                break;
            case "subsections":
                state.Subsections = ParseSubsections();
                break;
            default:
                _json.Skip();
                break;
        }
    }

    private List<VmStateDescription> ParseSubsections()
    {
        List<VmStateDescription> subsections = [];
        Expect(JsonTokenType.StartArray, "a list of subsections");
        while (NextElement())
        {
            subsections.Add(ParseState());
        }

        return subsections;
    }

    private List<VmStateField> ParseFields()
    {
        List<VmStateField> fields = [];
        Expect(JsonTokenType.StartArray, "a list of fields");
        while (NextElement())
        {
            var field = ParseField();
            // QEMU does not number the last element of an array that it writes one by one.
            if (field is { Index: null, ArrayLength: null } && fields is [.., { Index: { } before } previous] && previous.Name == field.Name)
            {
                field = field with { Index = before + 1 };
            }

            fields.Add(field);
        }

        return fields;
    }

    private VmStateField ParseField()
    {
        string? name = null, type = null;
        long? size = null, index = null, arrayLength = null;
        VmStateDescription? inner = null;
        StateParts? within = null;
        Expect(JsonTokenType.StartObject, "a field");
        while (NextProperty() is { } property)
        {
            switch (property)
            {
                case "name":
                    name = Text(property);
                    break;
                case "type":
                    type = Text(property);
                    // These two are described within the field itself; of others, such as lists, that is not to be relied on.
                    within = type is "tmp" or "vstruct" ? new StateParts() : null;
                    break;
                case "size":
                    size = Size(property);
                    break;
                case "index":
                    index = Number(property);
                    break;
                case "array_len":
                    arrayLength = Number(property);
                    break;
                case "struct":
                    inner = ParseState();
                    break;
                default:
                    if (within is null)
                    {
                        _json.Skip();
                    }
                    else
                    {
                        TakeStateProperty(property, within);
                    }

                    break;
            }
        }

        return new VmStateField
        {
            Name = name ?? throw Error("the name of a field", "none"),
            Type = type ?? throw Error($"the type of field '{name}'", "none"),
            Size = size ?? throw Error($"the size of field '{name}'", "none"),
            Index = Int(index, "an index"),
            ArrayLength = Int(arrayLength, "the length of an array"),
            Struct = inner ?? (within is { Fields: not null } ? Built(within) : null),
        };
    }
}
