using System.CommandLine;
using System.Text.Json;
using QemuMigTest.Cli.Output;
using QemuMigTest.Cli.Run;

namespace QemuMigTest.Cli;

/// <summary><c>qemu-mig-test list</c>.</summary>
internal sealed class ListCommand(CommandContext context)
{
    public const string Examples =
        """
        Examples:
          qemu-mig-test list
          qemu-mig-test list -p /migration/postcopy
          qemu-mig-test list | cut -f1              paths only: in a pipe a tab stands before what a test needs
          qemu-mig-test list --json
        """;

    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    private readonly Option<string[]> _paths = RunOptions.CreatePaths();
    private readonly Option<string[]> _skips = RunOptions.CreateSkips();
    private readonly Option<bool> _json = new("--json") { Description = "Write an array of objects: path, method, needs, timeoutSeconds, explicit." };

    public Command Create()
    {
        var command = new Command("list", "Shows the tests, and what each needs of QEMU and of the machine.") { _paths, _skips, _json };
        command.SetAction(parsed =>
        {
            var catalog = SuiteCatalog.Load(context.Suite, new Dictionary<string, string>(), 1);
            var tests = PathSelection.Select(catalog.Tests, parsed.GetValue(_paths) ?? [], parsed.GetValue(_skips) ?? [], withExplicit: true);
            if (parsed.GetValue(_json))
                WriteJson(tests);
            else if (context.Out.IsTerminal)
                WriteTable(tests);
            else
                WriteLines(tests);
            return ExitCode.Passed;
        });
        return command;
    }

    private void WriteLines(IReadOnlyList<SuiteTest> tests)
    {
        foreach (var test in tests)
            context.Out.Writer.Write($"{test.Path}\t{string.Join(", ", Needs(test))}\n");
    }

    private void WriteTable(IReadOnlyList<SuiteTest> tests)
    {
        var width = tests.Max(test => test.Path.Length);
        var noColor = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        var screen = new TerminalScreen(context.Out.Writer, !noColor, context.Out.Utf8);
        foreach (var test in tests)
        {
            var needs = string.Join(", ", Needs(test));
            // What does not fit beside the path goes below it.
            if (width + 2 + needs.Length <= screen.Width)
            {
                screen.Line(0, $"{test.Path.PadRight(width)}  ", new Piece(needs, Tone.Faint));
                continue;
            }
            screen.Line(0, test.Path);
            if (needs.Length > 0)
                screen.Line(4, new Piece(needs, Tone.Faint));
        }
        screen.Line(0, new Piece(Texts.Count(tests.Count, "test"), Tone.Strong));
    }

    private void WriteJson(IReadOnlyList<SuiteTest> tests)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Indented))
        {
            json.WriteStartArray();
            foreach (var test in tests)
            {
                json.WriteStartObject();
                json.WriteString("path", test.Path);
                json.WriteString("method", test.Method);
                json.WriteStartArray("needs");
                foreach (var need in test.Needs)
                    json.WriteStringValue(need);
                json.WriteEndArray();
                json.WriteNumber("timeoutSeconds", test.Limit.TotalSeconds);
                json.WriteBoolean("explicit", test.Explicit);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        context.Out.Writer.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.ToArray()));
    }

    private static IEnumerable<string> Needs(SuiteTest test) => test.Explicit ? test.Needs.Append("to be asked for with --path") : test.Needs;
}
