using System.CommandLine;
using System.Globalization;
using QemuMigTest.Cli.Output;
using QemuMigTest.Streams;

namespace QemuMigTest.Cli.Streams;

/// <summary><c>qemu-mig-test stream</c>.</summary>
internal sealed class StreamCommand(CommandContext context, CancellationToken interrupted)
{
    public const string Examples =
        """
        Examples:
          qemu-mig-test stream migration                    show what a migration stream in a file consists of
          qemu-mig-test stream migration --offset 4096      as written to file:migration,offset=4096
          qemu-mig-test stream migration --device cpu       show the fields of a device, with their values
          qemu-mig-test stream migration --fields --json    all of it, for a program

        A stream gets into a file by the URI file:PATH, or exec:cat>PATH, with or without capability mapped-ram.

        Exit codes:
          0  the stream is complete, and its parts agree    2  the command line is wrong, or the file cannot be read
          1  it is no stream, damaged, or of unknown kind
        """;

    private readonly Argument<string> _file = new("file") { Description = "The file that holds the stream", HelpName = "FILE" };
    private readonly Option<string> _offset = new("--offset") { Description = "Where in the file the stream starts, bytes; 0x for hexadecimal", HelpName = "N" };
    private readonly Option<string[]> _devices = new("--device") { Description = "Show the fields of the devices of this name; may be repeated", HelpName = "NAME" };
    private readonly Option<bool> _fields = new("--fields") { Description = "Show the fields of all devices" };
    private readonly Option<bool> _json = new("--json") { Description = "Write an object: configuration, parts, blocks, devices." };

    public Command Create()
    {
        var command = new Command("stream", "Shows what a migration stream in a file consists of, and checks that its parts agree.") { _file, _offset, _devices, _fields, _json };
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var offset = Offset(parsed.GetValue(_offset) ?? "0");
        var path = parsed.GetValue(_file)!;
        if (path.Length == 0)
            throw new UsageException("FILE is empty, wanted the path of a file.");
        try
        {
            var stream = MigrationStream.Read(path, offset, visitor: null, interrupted);
            var report = new StreamReport(stream, Selected(stream, parsed.GetValue(_devices) ?? [], parsed.GetValue(_fields)));
            if (parsed.GetValue(_json))
                StreamReportJson.Write(report, context.Out.Writer);
            else
                StreamReportText.Write(report, Screen());
            return ExitCode.Passed;
        }
        catch (StreamFormatException e)
        {
            context.Error.Writer.WriteLine($"qemu-mig-test: {e.Message}");
            return ExitCode.Failed;
        }
        catch (FileNotFoundException)
        {
            throw new UsageException($"There is no file '{path}'.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"'{path}' cannot be read: {e.Message}");
        }
    }

    private static long Offset(string text)
    {
        var hexadecimal = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return hexadecimal && long.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var offset) && offset >= 0
            || !hexadecimal && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out offset)
            ? offset
            : throw new UsageException($"--offset is '{text}', wanted a whole number from 0.");
    }

    private static HashSet<DeviceState> Selected(MigrationStream stream, string[] names, bool all)
    {
        foreach (var name in names)
        {
            if (!stream.Devices.Any(device => device.Name == name))
            {
                throw new UsageException($"There is no device '{name}' in the stream. There are: {string.Join(", ", stream.Devices.Select(device => device.Name).Distinct())}.");
            }
        }

        return [.. stream.Devices.Where(device => all || names.Contains(device.Name))];
    }

    private IScreen Screen()
    {
        if (!context.Out.IsTerminal)
            return new PlainScreen(context.Out.Writer);
        return new TerminalScreen(context.Out.Writer, string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")), context.Out.Utf8);
    }
}
