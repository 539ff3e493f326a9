using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using QemuMigTest.Binaries.Store;

namespace QemuMigTest.Cli;

internal static partial class QemuStoreCommands
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static Command ListCommand(CommandContext context, Func<QemuStore> store)
    {
        var json = new Option<bool>("--json") { Description = "As JSON: an array with an object for each suite" };
        var command = new Command("list", "List the suites and which of them are fetched") { json };
        command.SetAction(parsed =>
        {
            var output = context.Out.Writer;
            var builds = store();
            var rows = QemuStore.Suites.Select(suite => (Suite: suite, Build: builds.Find(suite.Name))).ToList();
            if (parsed.GetValue(json))
            {
                output.WriteLine(JsonSerializer.Serialize(rows.Select(row => AsJson(row.Suite, row.Build)), Json));
                return ExitCode.Passed;
            }
            var width = QemuStore.Suites.Max(suite => suite.Name.Length);
            foreach (var (suite, build) in rows)
            {
                var mark = suite == QemuStore.DefaultSuite ? "  (default)" : "";
                output.WriteLine($"{suite.Name.PadRight(width)}  {Describe(suite, build)}{mark}");
            }
            return ExitCode.Passed;
        });
        return command;
    }

    private static string Describe(QemuSuite suite, StoredQemu? build) => build switch
    {
        null => $"QEMU {suite.QemuVersion,-7} not fetched",
        { Damage: { } damage } => $"QEMU {suite.QemuVersion,-7} damaged: {damage}; mend it with: qemu fetch {suite}",
        _ => string.Create(CultureInfo.InvariantCulture, $"QEMU {build.Version,-7} {build.SizeBytes / 1e6,4:F0} MB  {build.PackageVersion}  {build.Path}"),
    };

    private static object AsJson(QemuSuite suite, StoredQemu? build) => new
    {
        Suite = suite.Name,
        IsDefault = suite == QemuStore.DefaultSuite,
        ExpectedVersion = suite.QemuVersion,
        Fetched = build is not null,
        build?.Damage,
        build?.Version,
        build?.PackageVersion,
        SizeBytes = build?.SizeBytes,
        build?.Path,
        FetchedAt = build?.Fetched,
    };
}
