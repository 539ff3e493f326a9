using System.Globalization;

namespace QemuMigTest.Streams;

/// <summary>Reads a stream part by part, and checks the parts against each other.</summary>
internal sealed class StreamSectionReader(StreamInput input, StreamSource source, IStreamVisitor? visitor)
{
    private const int DefaultPageSize = 4096;
    private readonly PartList _parts = new(input);
    private readonly Dictionary<uint, Section> _sections = [];
    private readonly List<DeviceState> _devices = [];
    private readonly CommandReader _commands = new(input);
    private readonly FieldWalker _fields = new(input);
    private StreamDescription? _description;
    private RamReader? _ram;
    private Section? _ramSection;

    public MigrationStream Read(Func<StreamSource> open, long offset, CancellationToken ct)
    {
        ReadHead(offset);
        if (DescriptionFinder.Find(source, offset) is { } found)
        {
            _description = DescriptionParser.Parse(input, found.JsonOffset, found.Json);
        }

        var configuration = ReadConfiguration();
        var pageSize = PageSizeOf(configuration);
        _ram = new RamReader(input, configuration, pageSize, visitor);
        while (ReadPart(ct))
        {
        }

        ReadEnd();
        return new MigrationStream(open)
        {
            Path = input.Path,
            Offset = offset,
            Length = input.Position - offset,
            Configuration = configuration,
            PageSize = pageSize,
            Parts = _parts.Parts,
            Blocks = [.. _ram.Blocks],
            Devices = _devices,
            Description = _description,
        };
    }

    private void ReadHead(long offset)
    {
        var magic = input.TakeUInt32("the magic number of a migration stream");
        if (magic != StreamMark.Magic)
        {
            throw input.Error(offset, $"a migration stream, which starts with 0x{StreamMark.Magic:x8} (\"QEVM\")", $"0x{magic:x8}");
        }

        var version = input.TakeUInt32("the version of the stream");
        if (version != StreamMark.Version)
        {
            throw input.Error(offset + sizeof(uint), $"version {StreamMark.Version} of the stream", $"{version}");
        }
    }

    private StreamConfiguration ReadConfiguration()
    {
        var start = input.Position;
        var mark = input.TakeByte("the configuration");
        if (mark != StreamMark.Configuration)
        {
            throw input.Error(start, $"the configuration (0x{StreamMark.Configuration:x2}), which machine types from 2.4 on send", $"0x{mark:x2}");
        }

        var configuration = ConfigurationReader.Read(input);
        var end = input.Position;
        if (_description?.Configuration is { } described)
        {
            input.MoveTo(start + 1);
            _fields.Walk(described, "the configuration");
            if (input.Position != end)
            {
                throw input.Error(start, $"{input.Position - start} bytes of configuration, as the description says", $"{end - start}");
            }
        }

        _parts.Add(new StreamPart { Kind = StreamPartKind.Configuration, Offset = start, Length = end - start });
        return configuration;
    }

    private int PageSizeOf(StreamConfiguration configuration)
    {
        var configured = configuration.TargetPageBits is { } bits ? 1 << bits : (int?)null;
        if (_description is { } description && configured is { } size && size != description.PageSize)
        {
            throw input.Error(description.Offset, $"the configuration's page size {size} in the description", $"{description.PageSize}");
        }

        return configured ?? _description?.PageSize ?? DefaultPageSize;
    }

    private bool ReadPart(CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var start = input.Position;
        var mark = input.TakeByte("a section, a command or the end of the state");
        switch (mark)
        {
            case StreamMark.EndOfState:
                // Every QEMU sends this section, a machine without RAM an empty one.
                if (_ramSection is not { Ended: true })
                {
                    throw input.Error(start, $"the last piece of '{StreamMark.Ram}' before the end of the state", _ramSection is null ? "the end, and none of its pieces before" : "the end");
                }

                _parts.Add(new StreamPart { Kind = StreamPartKind.EndOfState, Offset = start, Length = 1 });
                return false;
            case StreamMark.Command:
                var name = _commands.Read();
                _parts.Add(new StreamPart { Kind = StreamPartKind.Command, Offset = start, Length = input.Position - start, Name = name });
                return true;
            case StreamMark.SectionStart:
                ReadStart(start, ct);
                return true;
            case StreamMark.SectionPart or StreamMark.SectionEnd:
                ReadPiece(start, mark == StreamMark.SectionEnd, ct);
                return true;
            case StreamMark.SectionFull:
                ReadDevice(start);
                return true;
            default:
                throw input.Error(start, "a section (0x01 to 0x04), a command (0x08) or the end of the state (0x00)", $"0x{mark:x2}");
        }
    }

    private void ReadStart(long start, CancellationToken ct)
    {
        var section = ReadSectionHeader(start);
        if (section.Name != StreamMark.Ram || section.Version != StreamMark.RamVersion)
        {
            throw input.Error(start, $"'{StreamMark.Ram}' version {StreamMark.RamVersion}, the only state in pieces that can be read", $"'{section.Name}' version {section.Version}");
        }

        if (_ramSection is not null)
        {
            throw input.Error(start, $"one section '{StreamMark.Ram}'", "another");
        }

        _ramSection = section;
        _ram!.Read(first: true, _commands.HostPageSizes, ct);
        ReadFooter(section);
        _parts.Add(section.Part(StreamPartKind.SectionStart, start, input.Position));
    }

    private void ReadPiece(long start, bool last, CancellationToken ct)
    {
        var id = input.TakeUInt32("the number of a section");
        if (_ramSection is not { Ended: false } section || section.Id != id)
        {
            throw input.Error(start, _ramSection is { Ended: false } open ? $"a piece of section {open.Id}, the one that has begun" : "a piece of a section that has begun and not ended", $"a piece of section {id}");
        }

        _ram!.Read(first: false, _commands.HostPageSizes, ct);
        ReadFooter(section);
        section.Ended = last;
        _parts.Add(section.Part(last ? StreamPartKind.SectionEnd : StreamPartKind.SectionPart, start, input.Position));
    }

    private void ReadDevice(long start)
    {
        var section = ReadSectionHeader(start);
        if (_description is not { } description)
        {
            throw input.Error(start, $"a description of '{section.Name}' at the end of the file: nothing else says how long it is",
                $"a file that ends at 0x{input.End:x} without one: it is truncated, goes on behind the stream, or is of a machine with suppress-vmdesc");
        }

        var described = _devices.Count < description.Devices.Count ? description.Devices[_devices.Count] : null;
        if (described is null || described.Name != section.Name || described.InstanceId != section.InstanceId)
        {
            var wanted = described is null ? "no more devices" : $"'{described.Name}' {described.InstanceId}";
            throw input.Error(start, $"{wanted}, as the description says", $"'{section.Name}' {section.InstanceId}");
        }

        if (described.State.Version is { } version && version != section.Version)
        {
            throw input.Error(start, $"version {version} of '{section.Name}', as the description says", $"{section.Version}");
        }

        var content = input.Position;
        _fields.Walk(described.State, $"'{section.Name}' {section.InstanceId}");
        _devices.Add(new DeviceState(section.Name, section.InstanceId, section.Version, content, input.Position - content, described.State));
        ReadFooter(section);
        _parts.Add(section.Part(StreamPartKind.SectionFull, start, input.Position));
    }

    private Section ReadSectionHeader(long start)
    {
        var id = input.TakeUInt32("the number of a section");
        var name = input.TakeName("the name of a section");
        var section = new Section(id, name, input.TakeUInt32($"the instance of '{name}'"), input.TakeUInt32($"the version of '{name}'"));
        return _sections.TryAdd(id, section)
            ? section
            : throw input.Error(start, "a section with a number of its own", $"'{name}' with number {id}, which '{_sections[id].Name}' has");
    }

    private void ReadFooter(Section section)
    {
        var start = input.Position;
        var mark = input.TakeByte($"the footer of '{section.Name}'");
        if (mark != StreamMark.Footer)
        {
            throw input.Error(start, $"the footer of '{section.Name}' (0x{StreamMark.Footer:x2}), which machine types from 2.4 on send", $"0x{mark:x2}");
        }

        var id = input.TakeUInt32($"the footer of '{section.Name}'");
        if (id != section.Id)
        {
            throw input.Error(start + 1, $"the number {section.Id} of '{section.Name}' in its footer", $"{id}");
        }
    }

    private void ReadEnd()
    {
        if (_description is { } description)
        {
            var start = input.Position;
            if (start != description.Offset - DescriptionFinder.HeaderLength)
            {
                throw input.Error(start, $"the description, which is at 0x{description.Offset - DescriptionFinder.HeaderLength:x}", "something else, behind the end of the state");
            }

            if (_devices.Count < description.Devices.Count)
            {
                throw input.Error(start, $"{description.Devices.Count} devices, as the description says",
                    string.Create(CultureInfo.InvariantCulture, $"{_devices.Count}: the next would be '{description.Devices[_devices.Count].Name}'"));
            }

            input.Skip(DescriptionFinder.HeaderLength + description.Length, "the description");
            _parts.Add(new StreamPart { Kind = StreamPartKind.Description, Offset = start, Length = input.Position - start });
        }

        if (input.Position != input.End)
        {
            throw input.Error(input.Position, "the end of the file behind the stream", $"{input.End - input.Position} more bytes");
        }
    }

    private sealed class Section(uint id, string name, uint instanceId, uint version)
    {
        public uint Id => id;

        public string Name => name;

        public uint InstanceId => instanceId;

        public uint Version => version;

        public bool Ended { get; set; }

        public StreamPart Part(StreamPartKind kind, long start, long end) =>
            new() { Kind = kind, Offset = start, Length = end - start, Name = name, SectionId = id, InstanceId = instanceId, Version = version };
    }
}
