using System.Buffers.Binary;
using System.Text;
using QemuMigTest.Streams;

namespace QemuMigTest.Conformance.Rules;

/// <summary>A whole stream, and copies of it in which something was changed.</summary>
internal sealed class StreamDraft(byte[] bytes)
{
    private const int FooterBytes = 5;
    private const int NumberBytes = 4;
    private readonly MigrationStream _stream = MigrationStream.Read(bytes);

    /// <summary>How many bytes it has.</summary>
    public int Length => bytes.Length;

    /// <summary>Where the configuration's mark is.</summary>
    public int Configuration => Part(StreamPartKind.Configuration).Start;

    /// <summary>Where the machine type's last letter is.</summary>
    public int MachineEnd => Configuration + 1 + NumberBytes + Encoding.ASCII.GetByteCount(_stream.Configuration.MachineType) - 1;

    /// <summary>Where the mark of the end of the state is.</summary>
    public int EndOfState => Part(StreamPartKind.EndOfState).Start;

    /// <summary>The start of RAM's state: its blocks.</summary>
    public StreamSection RamStart => Part(StreamPartKind.SectionStart);

    /// <summary>The first piece of RAM's state that has pages.</summary>
    public StreamSection RamPages => _stream.Parts.Where(part => part.Kind is StreamPartKind.SectionPart or StreamPartKind.SectionEnd)
        .Select(Of).First(part => part.End - part.Start > 2 * (1 + NumberBytes + FooterBytes));

    /// <summary>A device's section.</summary>
    public StreamSection Device(string name) => Of(_stream.Parts.First(part => part.Kind == StreamPartKind.SectionFull && part.Name == name));

    /// <summary>Where the first block of RAM's state has its name.</summary>
    public int BlockName => RamStart.Content + sizeof(ulong) + 1;

    /// <summary>Where it has its length.</summary>
    public int BlockLength => BlockName + bytes[BlockName - 1];

    /// <summary>Other bytes at a place.</summary>
    public byte[] With(int at, params ReadOnlySpan<byte> others)
    {
        var copy = bytes.ToArray();
        others.CopyTo(copy.AsSpan(at));
        return copy;
    }

    /// <summary>A 32-bit number at a place.</summary>
    public byte[] WithUInt32(int at, uint number)
    {
        var copy = bytes.ToArray();
        BinaryPrimitives.WriteUInt32BigEndian(copy.AsSpan(at), number);
        return copy;
    }

    /// <summary>A 64-bit number at a place, made of the one that is there.</summary>
    public byte[] WithUInt64(int at, Func<ulong, ulong> change)
    {
        var copy = bytes.ToArray();
        BinaryPrimitives.WriteUInt64BigEndian(copy.AsSpan(at), change(BinaryPrimitives.ReadUInt64BigEndian(copy.AsSpan(at))));
        return copy;
    }

    /// <summary>Text at a place.</summary>
    public byte[] WithText(int at, string text) => With(at, Encoding.ASCII.GetBytes(text));

    /// <summary>The bytes up to a place.</summary>
    public byte[] Until(int end) => bytes[..end];

    /// <summary>Without some bytes.</summary>
    public byte[] Without(int at, int count) => [.. bytes[..at], .. bytes[(at + count)..]];

    /// <summary>With more bytes before a place.</summary>
    public byte[] Insert(int at, params ReadOnlySpan<byte> more) => [.. bytes[..at], .. more, .. bytes[at..]];

    private StreamSection Part(StreamPartKind kind) => Of(_stream.Parts.First(part => part.Kind == kind));

    private static StreamSection Of(StreamPart part)
    {
        var start = (int)part.Offset;
        // Several pieces that follow each other are one part of the reader's: the first of them ends where it says.
        return new(start, start + (int)part.Length, part.Name is null ? 0 : Encoding.ASCII.GetByteCount(part.Name), part.Kind is StreamPartKind.SectionPart or StreamPartKind.SectionEnd);
    }
}
