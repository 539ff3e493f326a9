namespace QemuMigTest.Streams;

/// <summary>The parts of a stream as they are read; equal ones that follow each other are one.</summary>
internal sealed class PartList(StreamInput input)
{
    private readonly List<StreamPart> _parts = [];

    /// <summary>The parts.</summary>
    public IReadOnlyList<StreamPart> Parts => _parts;

    /// <summary>Adds one that follows the last.</summary>
    public void Add(StreamPart part)
    {
        if (_parts is [.., var last] && part.Kind is StreamPartKind.SectionPart or StreamPartKind.Command && (last.Kind, last.SectionId, last.Name) == (part.Kind, part.SectionId, part.Name))
        {
            _parts[^1] = last with { Count = last.Count + 1, Length = last.Length + part.Length };
            return;
        }

        _parts.Add(_parts.Count < StreamLimits.Parts ? part : throw input.Error(part.Offset, $"at most {StreamLimits.Parts} parts", "more"));
    }
}
