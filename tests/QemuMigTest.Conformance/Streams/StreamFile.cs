using QemuMigTest.Binaries;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Streams;

/// <summary>A plain file that a stream is in: <c>file:</c> for a QEMU that has it, <c>fd:</c> for one that is older (before 8.2).</summary>
internal static class StreamFile
{
    private const string DescriptorName = "fd-stream";

    /// <summary>The URI by which a source writes it.</summary>
    public static Task<string> CreateAsync(QemuProcess qemu, QemuBinary binary, string path, CancellationToken ct) => UriAsync(qemu, binary, path, FileMode.Create, FileAccess.Write, ct);

    /// <summary>The URI by which a destination reads it.</summary>
    public static Task<string> OpenAsync(QemuProcess qemu, QemuBinary binary, string path, CancellationToken ct) => UriAsync(qemu, binary, path, FileMode.Open, FileAccess.Read, ct);

    private static async Task<string> UriAsync(QemuProcess qemu, QemuBinary binary, string path, FileMode mode, FileAccess access, CancellationToken ct)
    {
        if (binary.Commands["migrate"].TryGetValue("channels", out var values) && values.Contains("file"))
        {
            return $"file:{path}";
        }

        using var handle = System.IO.File.OpenHandle(path, mode, access, FileShare.ReadWrite);
        await qemu.ExecuteWithDescriptorAsync("getfd", new() { ["fdname"] = DescriptorName }, handle, ct);
        return $"fd:{DescriptorName}";
    }
}
