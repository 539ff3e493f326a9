using System.Text.Encodings.Web;
using System.Text.Json;

namespace QemuMigTest.Binaries.Store;

/// <summary>What <c>build.json</c> of a stored build holds. It is written last: a build without it was not fetched to the end.</summary>
internal sealed record StoreManifest
{
    public const string FileName = "build.json";

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // versions have plus signs, and no web page reads this
        RespectNullableAnnotations = true,
    };

    public required string Suite { get; init; }

    /// <summary>As <c>--version</c> tells it, such as <c>11.1.3</c>.</summary>
    public required string QemuVersion { get; init; }

    /// <summary>The version of the package qemu-system-x86, with epoch.</summary>
    public required string PackageVersion { get; init; }

    public required DateTimeOffset Fetched { get; init; }

    public required long SizeBytes { get; init; }

    public required IReadOnlyList<StorePackage> Packages { get; init; }

    /// <exception cref="JsonException">The file is no JSON, or lacks something.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static StoreManifest Read(string folder) =>
        JsonSerializer.Deserialize<StoreManifest>(File.ReadAllText(Path.Combine(folder, FileName)), Format)
        ?? throw new JsonException("it holds null");

    public void Write(string folder) => File.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, Format) + "\n");
}
