using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace QemuMigTest.Binaries;

/// <summary>What was probed of builds, a JSON file each, valid while the binary's path, size and time are the same. Scripts that start a binary are asked each time.</summary>
public sealed class ProbeCache(string folder)
{
    private const int Format = 3;

    /// <summary>What is known of a build, or null when nothing is, or it has changed since.</summary>
    public QemuBinary? Find(QemuLaunch launch)
    {
        var file = FileOf(launch);
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            if (IsScript(launch.Executable))
            {
                // What it starts may have been built again.
                return null;
            }

            var entry = JsonSerializer.Deserialize<Entry>(File.ReadAllText(file));
            return entry is { Binary: not null } && entry.Key == KeyOf(launch) ? entry.Binary with { Launch = launch } : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            // A cache that cannot be read is no cache: the build is asked again and the file replaced.
            return null;
        }
    }

    /// <summary>Remembers what was probed. A cache that cannot be written only costs time.</summary>
    public void Store(QemuLaunch launch, QemuBinary binary)
    {
        try
        {
            Directory.CreateDirectory(folder);
            var file = FileOf(launch);
            var temporary = $"{file}.{Environment.ProcessId}-{Environment.CurrentManagedThreadId}";
            File.WriteAllText(temporary, JsonSerializer.Serialize(new Entry(KeyOf(launch), binary)));
            File.Move(temporary, file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return;
        }
    }

    private static bool IsScript(string path)
    {
        using var file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[2];
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual("#!"u8);
    }

    private string FileOf(QemuLaunch launch) =>
        Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(launch.Executable)))[..32] + ".json");

    private static string KeyOf(QemuLaunch launch)
    {
        // The file behind a link: a distribution's upgrade changes that, not the link.
        var file = new FileInfo(launch.Executable);
        file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
        return string.Create(CultureInfo.InvariantCulture, $"{Format} {launch.Executable} {file.FullName} {file.Length} {file.LastWriteTimeUtc:O} {launch.FileName}");
    }

    private sealed record Entry(string Key, QemuBinary Binary);
}
