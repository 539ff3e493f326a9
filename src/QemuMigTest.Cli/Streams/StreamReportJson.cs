using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using QemuMigTest.Streams;

namespace QemuMigTest.Cli.Streams;

/// <summary>A stream as JSON for programs.</summary>
internal static class StreamReportJson
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    public static void Write(StreamReport report, TextWriter output)
    {
        var stream = report.Stream;
        output.WriteLine(JsonSerializer.Serialize(new
        {
            stream.Path,
            stream.Offset,
            stream.Length,
            stream.PageSize,
            Configuration = new { stream.Configuration.MachineType, stream.Configuration.Capabilities, stream.Configuration.Uuid },
            stream.Parts,
            Blocks = stream.Blocks.Select(AsJson),
            Devices = stream.Devices.Select(device => AsJson(report, device)),
        }, Json));
    }

    private static object AsJson(RamBlock block) => new
    {
        block.Name,
        block.Length,
        block.Address,
        block.BitmapOffset,
        block.PagesOffset,
        Pages = Enum.GetValues<PageKind>().ToDictionary(kind => JsonNamingPolicy.CamelCase.ConvertName(kind.ToString()), kind => block.Pages[kind]),
    };

    private static object AsJson(StreamReport report, DeviceState device) => new
    {
        device.Name,
        device.InstanceId,
        device.Version,
        device.Offset,
        device.Length,
        Fields = report.Selected.Contains(device) ? report.Stream.ReadFields(device).Select(AsJson) : null,
    };

    private static object AsJson(StreamField field) => new { field.Path, field.Type, field.Offset, field.Size, field.Count, field.Value };
}
