using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace QemuMigTest.Results;

/// <summary>All that is known of one run of the suite. Every report is made from it; <c>results/run.json</c> holds it.</summary>
public sealed record RunRecord
{
    /// <summary>The name of the file in the results folder.</summary>
    public const string FileName = "run.json";

    /// <summary>The format that this version writes. It rises when an older reader would misread a record.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The version of this tool, for <see cref="ToolVersion"/>.</summary>
    public static string VersionOfThisTool { get; } =
        typeof(RunRecord).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    // Quotes and letters of any language as they are: people read the file, and nobody takes it for HTML.
    private static readonly RunRecordJson Readable =
        new(new JsonSerializerOptions(RunRecordJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>The format of the record.</summary>
    public required int Format { get; init; }

    /// <summary>The version of the tool that made the record.</summary>
    public required string ToolVersion { get; init; }

    /// <summary>When the run began, in UTC.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>How long the run took, in seconds; so far, if it was interrupted.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>The processor time of the run's own process since it began, user and system, in seconds.</summary>
    public double? OwnCpuSeconds { get; init; }

    /// <summary>The processor time of all that it started and that has ended, the QEMUs above all, in seconds.</summary>
    public double? ChildCpuSeconds { get; init; }

    /// <summary>The command line: the command and its arguments.</summary>
    public required IReadOnlyList<string> CommandLine { get; init; }

    /// <summary>Whether the run ended before all was done, or has not ended yet.</summary>
    public required bool Interrupted { get; init; }

    /// <summary>What the command returned; null while it runs, and after it was killed.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The machine.</summary>
    public required HostRecord Host { get; init; }

    /// <summary>The QEMU that migrations begin in.</summary>
    public QemuRecord? Source { get; init; }

    /// <summary>The QEMU that migrations end in.</summary>
    public QemuRecord? Destination { get; init; }

    /// <summary>The machine type that both sides ran.</summary>
    public string? MachineType { get; init; }

    /// <summary>The accelerator: <c>tcg</c> or <c>kvm</c>.</summary>
    public string? Accelerator { get; init; }

    /// <summary>What was asked of the run.</summary>
    public required SettingsRecord Settings { get; init; }

    /// <summary>The tests that were selected, in the order of their paths, also those that were not started.</summary>
    public required IReadOnlyList<TestRecord> Tests { get; init; }

    /// <summary>Failures that belong to no test, such as a fixture's clean-up.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>Writes the record: to a temporary file beside <paramref name="path"/> first, which then takes its place.</summary>
    /// <exception cref="IOException">The file can not be written; nothing of it is left, and what was there before still is.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is not writable.</exception>
    public void Save(string path)
    {
        var temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            {
                JsonSerializer.Serialize(stream, this, Readable.RunRecord);
                stream.WriteByte((byte)'\n');
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Reads a record.</summary>
    /// <exception cref="RunRecordException">The file is not there, is damaged, or is of a newer format; the message says which.</exception>
    public static RunRecord Load(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new RunRecordException($"There is no record of a run at {path}. 'qemu-mig-test run --results DIR' writes one to DIR/{FileName}.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RunRecordException($"The record {path} can not be read: {e.Message}", e);
        }
        return Parse(bytes, path);
    }

    private static RunRecord Parse(byte[] bytes, string path)
    {
        if (bytes.Length == 0)
            throw new RunRecordException($"The record {path} is empty.");
        try
        {
            CheckFormat(bytes, path);
            return JsonSerializer.Deserialize(bytes, RunRecordJson.Default.RunRecord)
                ?? throw new RunRecordException($"The record {path} holds null, wanted a record of a run.");
        }
        catch (JsonException e)
        {
            var where = e.LineNumber is { } line ? $", line {line + 1}" : "";
            throw new RunRecordException($"The record {path} is damaged{where}: {e.Message}", e);
        }
    }

    // Before the rest is read: a newer record may fail in ways that would look like damage.
    private static void CheckFormat(byte[] bytes, string path)
    {
        using var document = JsonDocument.Parse(bytes);
        if (document.RootElement.ValueKind != JsonValueKind.Object
            || !document.RootElement.TryGetProperty("format", out var format)
            || format.ValueKind != JsonValueKind.Number
            || !format.TryGetInt32(out var number))
        {
            throw new RunRecordException($"The file {path} is no record of a run: it has no number 'format'.");
        }
        if (number is < 1 or > CurrentFormat)
            throw new RunRecordException($"The record {path} has format {number}, and this version reads format {CurrentFormat}. Use the version that wrote it.");
    }
}
