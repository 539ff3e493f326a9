namespace QemuMigTest.Streams;

/// <summary>A field of a device's state with its value.</summary>
/// <param name="Path">Its name, with those of the structures and subsections that it is in: <c>env.segs[1].base</c>.</param>
/// <param name="Type">Its type, as QEMU names it.</param>
/// <param name="Offset">Where in the file it is, bytes.</param>
/// <param name="Size">How many bytes it has; of an array, each element.</param>
/// <param name="Count">How many elements it has; 1 if it is no array.</param>
/// <param name="Bytes">Its bytes, all elements; of more than <see cref="LongestValue"/>, the first ones.</param>
public sealed record StreamField(string Path, string Type, long Offset, long Size, int Count, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Of a longer field only so many bytes are kept.</summary>
    public const int LongestValue = 64 * 1024;

    /// <summary>Its value for people: numbers of an array one after the other, buffers in hex.</summary>
    public string Value => FieldFormat.Text(this);
}
