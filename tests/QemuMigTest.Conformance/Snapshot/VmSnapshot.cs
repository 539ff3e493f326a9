using System.Text.Json;
using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Devices;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Snapshot;

/// <summary>A snapshot of a whole VM in a qcow2 image, which QEMU saves and loads by jobs (snapshot-save and snapshot-load, since 6.0).</summary>
/// <param name="side">The QEMU that has the image.</param>
internal sealed class VmSnapshot(MigrationSide side)
{
    private const string Node = "snapshots";
    private const string Tag = "then";
    private const uint DiskBytes = 1 << 20;

    /// <summary>Makes an image for it, and the arguments by which a QEMU has it.</summary>
    /// <param name="image">The image's path; nothing is there yet.</param>
    /// <param name="ct">Ends it.</param>
    public static async Task<QemuCommandLine> CreateAsync(string image, CancellationToken ct)
    {
        await System.IO.File.WriteAllBytesAsync(image, Qcow2Image.Empty(DiskBytes), ct);
        return new QemuCommandLine()
            .With("-blockdev", $"driver=file,node-name={Node}-file,auto-read-only=on,filename={QemuCommandLine.InList(image)}")
            .With("-blockdev", $"driver=qcow2,node-name={Node},file={Node}-file");
    }

    /// <summary>Saves the VM. It runs when this returns if it ran before.</summary>
    /// <returns>Why QEMU could not, or null.</returns>
    public Task<string?> SaveAsync(CancellationToken ct) => RunAsync("snapshot-save", ct);

    /// <summary>Loads what was saved. The VM runs when this returns if it ran before.</summary>
    public async Task LoadAsync(CancellationToken ct) => (await RunAsync("snapshot-load", ct)).ShouldBeNull("snapshot-load of what snapshot-save has saved");

    private async Task<string?> RunAsync(string command, CancellationToken ct)
    {
        await side.ExecuteAsync(command, new() { ["job-id"] = command, ["tag"] = Tag, ["vmstate"] = Node, ["devices"] = new JsonArray(Node) }, ct);
        JsonElement job = default;
        await Poll.UntilAsync(side.Name, $"the end of {command}", async token =>
        {
            job = (await side.ExecuteAsync("query-jobs", null, token)).EnumerateArray().First(one => one.GetProperty("id").GetString() == command);
            return job.GetProperty("status").GetString() == "concluded" ? this : null;
        }, () => $"{job}", side.Process.Options.Limits.Step, ct);
        await side.ExecuteAsync("job-dismiss", new() { ["id"] = command }, ct);
        return job.TryGetProperty("error", out var error) ? error.GetString() : null;
    }
}
