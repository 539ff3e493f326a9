using System.Buffers.Binary;
using System.Globalization;

namespace QemuMigTest.Streams;

/// <summary>The types of fields that have a fixed size, and how their values are written for people.</summary>
internal static class FieldFormat
{
    /// <summary>How many bytes a value of a type has, or null if that differs.</summary>
    public static int? SizeOf(string type) => type switch
    {
        "bool" or "int8" or "uint8" or "uint8 equal" or "nullptr" => 1,
        "int16" or "uint16" or "uint16 equal" => 2,
        "int32" or "int32 equal" or "int32 le" or "uint32" or "uint32 equal" => 4,
        "int64" or "int64 equal" or "uint64" or "timer" or "float64" or "CPU_Double_U" => 8,
        _ => null,
    };

    /// <summary>A field's value.</summary>
    public static string Text(StreamField field)
    {
        var bytes = field.Bytes.Span;
        var cut = bytes.Length < field.Size * field.Count ? "…" : "";
        if (SizeOf(field.Type) is not { } size || size != field.Size)
        {
            return $"{Convert.ToHexStringLower(bytes)}{cut}";
        }

        List<string> values = [];
        for (var at = 0; at + size <= bytes.Length; at += size)
        {
            values.Add(One(field.Type, bytes.Slice(at, size)));
        }

        return string.Join(' ', values) + cut;
    }

    private static string One(string type, ReadOnlySpan<byte> bytes) => type switch
    {
        "bool" => bytes[0] == 0 ? "false" : "true",
        "nullptr" => "null",
        "int8" => Decimal((sbyte)bytes[0]),
        "int16" => Decimal(BinaryPrimitives.ReadInt16BigEndian(bytes)),
        "int32" or "int32 equal" => Decimal(BinaryPrimitives.ReadInt32BigEndian(bytes)),
        "int32 le" => Decimal(BinaryPrimitives.ReadInt32LittleEndian(bytes)),
        "int64" or "int64 equal" or "timer" => Decimal(BinaryPrimitives.ReadInt64BigEndian(bytes)),
        _ => $"0x{Convert.ToHexStringLower(bytes)}",
    };

    private static string Decimal(long value) => value.ToString(CultureInfo.InvariantCulture);
}
