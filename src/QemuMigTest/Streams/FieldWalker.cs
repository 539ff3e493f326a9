using System.Globalization;

namespace QemuMigTest.Streams;

/// <summary>Follows the description of a device's state through the bytes of the state, and sees that the two agree.</summary>
internal sealed class FieldWalker(StreamInput input, Action<VmStateField, string, long>? found = null)
{
    private const string Capability = "capability";
    private int _left = StreamLimits.Fields;

    /// <summary>Walks over the state at the input's position, to its end.</summary>
    /// <param name="state">What it consists of.</param>
    /// <param name="name">Its name for errors.</param>
    public void Walk(VmStateDescription state, string name)
    {
        var start = input.Position;
        WalkFields(state.Fields, name, "");
        WalkSubsections(state.Subsections, name);
        if (state.Size is { } size && input.Position - start != size)
        {
            throw input.Error(start, $"{size} bytes of {name}, as its description says", $"{input.Position - start} bytes of fields");
        }
    }

    private void WalkFields(IReadOnlyList<VmStateField> fields, string name, string prefix)
    {
        foreach (var field in fields)
        {
            var path = found is null ? "" : $"{prefix}{field.Name}";
            if (field is { Struct: { } inner })
            {
                WalkStructs(field, inner, name, path);
            }
            else
            {
                WalkValue(field, name, field.Index is { } index && found is not null ? $"{path}[{index}]" : path);
            }
        }
    }

    private void WalkStructs(VmStateField field, VmStateDescription inner, string name, string path)
    {
        var count = field.ArrayLength ?? 1;
        for (var i = 0; i < count; i++)
        {
            Count(name);
            var start = input.Position;
            var numbered = (field.ArrayLength is null ? field.Index : i) is { } index && found is not null ? $"{path}[{index}]" : path;
            WalkFields(inner.Fields, name, $"{numbered}.");
            WalkSubsections(inner.Subsections, name, $"{numbered}.");
            var length = input.Position - start;
            if (length != field.Size)
            {
                throw input.Error(start, $"{field.Size} bytes of the field '{field.Name}' of {name}, as its description says", $"{length} bytes of fields in it");
            }

            if (length == 0)
            {
                // The others are as empty.
                return;
            }
        }
    }

    private void WalkValue(VmStateField field, string name, string path)
    {
        Count(name);
        if (field.Type == Capability)
        {
            // The one type whose elements differ in size.
            for (var i = 0; i < (field.ArrayLength ?? 1); i++)
            {
                Count(name);
                input.TakeName($"a capability in {name}");
            }

            return;
        }

        if (FieldFormat.SizeOf(field.Type) is { } fixedSize && field.Size != fixedSize)
        {
            throw input.Error(input.Position, $"{fixedSize} bytes of the field '{field.Name}' ({field.Type}) of {name}", $"{field.Size} in its description");
        }

        var length = (Int128)field.Size * (field.ArrayLength ?? 1);
        if (length > input.End - input.Position)
        {
            throw input.Error(input.Position, string.Create(CultureInfo.InvariantCulture, $"the field '{field.Name}' of {name} ({length} bytes)"),
                $"the end of the file at 0x{input.End:x}: it is truncated or damaged");
        }

        found?.Invoke(field, path, input.Position);
        input.Skip((long)length, "a field");
    }

    private void WalkSubsections(IReadOnlyList<VmStateDescription> subsections, string name, string prefix = "")
    {
        foreach (var subsection in subsections)
        {
            Count(name);
            var offset = input.Position;
            var mark = input.TakeByte($"a subsection of {name}");
            if (mark != StreamMark.Subsection)
            {
                throw input.Error(offset, $"the subsection '{subsection.Name}' (0x05) of {name}, as its description says", $"0x{mark:x2}");
            }

            offset = input.Position;
            var seen = input.TakeName($"the name of a subsection of {name}");
            if (seen != subsection.Name)
            {
                throw input.Error(offset, $"the subsection '{subsection.Name}' of {name}, as its description says", $"'{seen}'");
            }

            offset = input.Position;
            var version = input.TakeUInt32($"the version of the subsection '{seen}'");
            if (version != subsection.Version)
            {
                throw input.Error(offset, $"version {subsection.Version} of the subsection '{seen}', as its description says", $"{version}");
            }

            WalkFields(subsection.Fields, name, $"{prefix}{seen}/");
            WalkSubsections(subsection.Subsections, name, prefix);
        }
    }

    private void Count(string name)
    {
        if (_left-- == 0)
        {
            throw input.Error(input.Position, $"at most {StreamLimits.Fields} fields in all devices", $"more, in {name}");
        }
    }
}
