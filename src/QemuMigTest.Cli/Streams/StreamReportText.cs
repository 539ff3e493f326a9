using System.Globalization;
using QemuMigTest.Cli.Output;
using QemuMigTest.Streams;

namespace QemuMigTest.Cli.Streams;

/// <summary>A stream as a table for people.</summary>
internal static class StreamReportText
{
    private const int LongestValue = 96;

    public static void Write(StreamReport report, IScreen screen)
    {
        var stream = report.Stream;
        WriteHead(stream, screen);
        screen.Line(0);
        WriteTable(screen, ["offset", "bytes", "part", "name", "instance", "version"], [.. stream.Parts.Select(Row)], [0, 1, 4, 5]);
        if (stream.Blocks.Count > 0)
        {
            screen.Line(0);
            WriteTable(screen, ["RAM block", "bytes", "normal pages", "zero pages", "others"], [.. stream.Blocks.Select(Row)], [1, 2, 3, 4]);
        }
        foreach (var device in stream.Devices.Where(report.Selected.Contains))
        {
            screen.Line(0);
            screen.Line(0, new Piece($"{device.Name} {device.InstanceId}", Tone.Strong), Number($" version {device.Version}, {device.Length} bytes at {Hex(device.Offset)}"));
            WriteTable(screen, ["offset", "bytes", "field", "type", "value"], [.. stream.ReadFields(device).Select(Row)], [0, 1]);
        }
    }

    private static void WriteHead(MigrationStream stream, IScreen screen)
    {
        var configuration = stream.Configuration;
        screen.Line(0, new Piece(configuration.MachineType, Tone.Strong), Number($", {stream.Length} bytes, pages of {stream.PageSize} bytes, {Texts.Count(stream.Devices.Count, "device")}"));
        if (configuration.Capabilities.Count > 0)
            screen.Line(0, $"capabilities: {string.Join(", ", configuration.Capabilities)}");
        if (configuration.Uuid is { } uuid)
            screen.Line(0, $"UUID: {uuid}");
    }

    private static string[] Row(StreamPart part) =>
    [
        Hex(part.Offset), Number($"{part.Length}"), part.Count == 1 ? Name(part.Kind) : Number($"{Name(part.Kind)} ×{part.Count}"),
        part.Name ?? "", Number($"{part.InstanceId}"), Number($"{part.Version}"),
    ];

    private static string[] Row(RamBlock block)
    {
        var (normal, zero) = (block.Pages[PageKind.Normal], block.Pages[PageKind.Zero]);
        return [block.Name, Number($"{block.Length}"), Number($"{normal}"), Number($"{zero}"), Number($"{block.Pages.Total - normal - zero}")];
    }

    private static string[] Row(StreamField field)
    {
        var type = field.Count == 1 ? field.Type : Number($"{field.Type}[{field.Count}]");
        var value = field.Value.Length <= LongestValue ? field.Value : $"{field.Value[..LongestValue]}…";
        return [Hex(field.Offset), Number($"{field.Size * field.Count}"), field.Path, type, value];
    }

    private static void WriteTable(IScreen screen, string[] head, IReadOnlyList<string[]> rows, int[] right)
    {
        var widths = head.Select((title, column) => rows.Select(row => row[column].Length).Append(title.Length).Max()).ToArray();
        string Cell(string text, int column) => right.Contains(column) ? text.PadLeft(widths[column]) : text.PadRight(widths[column]);
        string Row(string[] cells) => string.Join("  ", cells.Select(Cell)).TrimEnd();

        screen.Line(0, new Piece(Row(head), Tone.Faint));
        foreach (var row in rows)
            screen.Line(0, Row(row));
    }

    private static string Name(StreamPartKind kind) => kind switch
    {
        StreamPartKind.Configuration => "configuration",
        StreamPartKind.SectionStart => "start",
        StreamPartKind.SectionPart => "part",
        StreamPartKind.SectionEnd => "end",
        StreamPartKind.SectionFull => "full",
        StreamPartKind.Command => "command",
        StreamPartKind.EndOfState => "end of state",
        StreamPartKind.Description => "description",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private static string Hex(long offset) => $"0x{offset:x8}";

    private static string Number(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
