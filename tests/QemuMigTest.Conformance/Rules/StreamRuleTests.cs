using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Streams;
using QemuMigTest.Processes;
using QemuMigTest.Streams;

namespace QemuMigTest.Conformance.Rules;

/// <summary>Streams that do not fit, are damaged, or end too early (<see cref="StreamDamageTable"/>): a destination says why it does not take them, and fails.</summary>
public sealed class StreamRuleTests : RuleFixture
{
    private const string Incoming = "migrate-incoming";
    private const string ExitOnError = "exit-on-error";
    private const string MappedRam = "mapped-ram";
    private const int Failure = 1;

    [MigrationTest("/migration/rules/streams/head")]
    public Task A_stream_of_another_format_or_machine_is_refused(CancellationToken ct) => RefuseAsync(StreamDamageTable.Head, ct);

    [MigrationTest("/migration/rules/streams/ram")]
    public Task A_stream_whose_RAM_does_not_fit_is_refused(CancellationToken ct) => RefuseAsync(StreamDamageTable.Ram, ct);

    [MigrationTest("/migration/rules/streams/devices")]
    public Task A_stream_whose_devices_do_not_fit_is_refused(CancellationToken ct) => RefuseAsync(StreamDamageTable.Devices, ct);

    [MigrationTest("/migration/rules/streams/blocked"), RequiresDevice("usb-wacom-tablet")]
    public async Task A_destination_with_a_device_that_cannot_migrate_takes_no_stream(CancellationToken ct)
    {
        using var scratch = Session.Scratch.CreateChild("");
        var path = scratch.File("stream");
        await SaveAsync(path, ct);
        var said = await LoadAsync(path, [], ct, "-device", "qemu-xhci", "-device", "usb-wacom-tablet");
        said.ShouldNotBeNull("a destination with usb-wacom-tablet should take no stream").ShouldContain("non-migratable device");
        said.ShouldContain("usb-wacom");
    }

    [MigrationTest("/migration/rules/streams/truncated")]
    public Task A_stream_that_ends_too_early_is_refused(CancellationToken ct) => RefuseAsync(StreamDamageTable.Truncated, ct);

    [MigrationTest("/migration/rules/streams/capability")]
    public async Task A_stream_of_a_source_with_a_capability_that_is_off_is_refused(CancellationToken ct)
    {
        List<string> broken = [];
        var names = StreamDamageTable.InConfiguration.Where(name => Environment.Sides.All(side => side.Binary.MigrationCapabilities.Contains(name))).ToList();
        foreach (var name in names)
        {
            using var scratch = Session.Scratch.CreateChild("");
            var path = scratch.File("stream");
            await SaveAsync(path, ct, name);
            await SeeTakenAsync(path, ct, name);
            broken.AddRange(await TryAsync(path, $"with {name}, which is off", [$"Capability {name} is off, but received capability is on"], ct));
        }

        Finish(broken, names.Count);
    }

    [MigrationTest("/migration/rules/streams/capability/off")]
    public async Task A_stream_of_a_source_without_a_capability_that_is_on_is_refused(CancellationToken ct)
    {
        const string Shared = "x-ignore-shared";
        using var scratch = Session.Scratch.CreateChild("");
        var path = scratch.File("stream");
        await SaveAsync(path, ct);
        await SeeTakenAsync(path, ct);
        Finish([.. await TryAsync(path, $"without {Shared}, which is on", [$"Capability {Shared} is on, but received capability is off"], ct, Shared)], 1);
    }

    [MigrationTest("/migration/rules/streams/mapped-ram"), RequiresCapability(MappedRam)]
    public async Task A_file_whose_RAM_is_elsewhere_is_refused(CancellationToken ct)
    {
        using var scratch = Session.Scratch.CreateChild("");
        var path = scratch.File("mapped");
        await SaveAsync(path, ct, MappedRam);
        await SeeTakenAsync(path, ct, MappedRam);
        var bitmap = MigrationStream.Read(path, ct: ct).Blocks[0].BitmapOffset!.Value;
        List<string> broken = [];
        foreach (var damage in StreamDamageTable.MappedRam)
        {
            // In place: the file has as many bytes as the guest.
            var whole = Exchange(path, bitmap + damage.At, damage.Bytes);
            broken.AddRange(await TryAsync(path, damage.What, [damage.Word], ct, MappedRam));
            Exchange(path, bitmap + damage.At, whole);
        }

        Finish(broken, StreamDamageTable.MappedRam.Count);
    }

    private static byte[] Exchange(string path, long at, byte[] bytes)
    {
        using var file = System.IO.File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        var before = new byte[bytes.Length];
        RandomAccess.Read(file, before, at);
        RandomAccess.Write(file, bytes, at);
        return before;
    }

    private async Task RefuseAsync(IReadOnlyList<StreamDamage> damages, CancellationToken ct)
    {
        using var scratch = Session.Scratch.CreateChild("");
        var path = scratch.File("stream");
        await SaveAsync(path, ct);
        await SeeTakenAsync(path, ct);
        var draft = new StreamDraft(await System.IO.File.ReadAllBytesAsync(path, ct));
        List<string> broken = [];
        foreach (var damage in damages)
        {
            await System.IO.File.WriteAllBytesAsync(path, damage.Make(draft), ct);
            broken.AddRange(await TryAsync(path, damage.What, damage.Words, ct, damage.Capability));
        }

        Finish(broken, damages.Count);
    }

    private async Task SeeTakenAsync(string path, CancellationToken ct, params IReadOnlyList<string> capabilities)
    {
        if (await LoadAsync(path, capabilities, ct) is { } refused)
        {
            throw new RuleException($"destination: a whole stream of {new FileInfo(path).Length} bytes should be taken; it was refused: {refused}");
        }
    }

    private async Task<IEnumerable<string>> TryAsync(string path, string what, IReadOnlyList<string> words, CancellationToken ct, params IReadOnlyList<string> capabilities)
    {
        var said = await LoadAsync(path, [.. capabilities.Where(name => name.Length > 0)], ct);
        var expected = $"destination: a stream {what} should be refused, with an error that names \"{string.Join("\" or \"", words)}\"";
        return said is null ? [$"{expected}; it was taken"]
            : words.Any(word => said.Contains(word, StringComparison.Ordinal)) ? []
            : [$"{expected}; it was refused with: {said}"];
    }

    private static void Finish(List<string> broken, int all)
    {
        if (broken.Count > 0)
        {
            throw new RuleException($"{broken.Count} of {all} streams did not go as the table says:\n  " + string.Join("\n  ", broken));
        }
    }

    // A guest that has not begun to run: a stream of a few hundred KB, or as many bytes as its RAM has, most of them no block on the disk.
    private async Task SaveAsync(string path, CancellationToken ct, params IReadOnlyList<string> capabilities)
    {
        var qemu = await StartSourceAsync(ct);
        JsonObject arguments = new() { ["uri"] = await StreamFile.CreateAsync(qemu, Environment.Source, path, ct) };
        (await MigrateAsync(qemu, "migrate", arguments, capabilities, ct)).ShouldBe(MigrationStatus.Completed);
    }

    // What the destination says of a stream that it refuses; null when it takes it.
    private async Task<string?> LoadAsync(string path, IReadOnlyList<string> capabilities, CancellationToken ct, params IReadOnlyList<string> devices)
    {
        var qemu = await StartDestinationAsync(ct, devices);
        var binary = Environment.Destination;
        var arguments = new JsonObject { ["uri"] = await StreamFile.OpenAsync(qemu, binary, path, ct) };
        var stays = binary.Commands[Incoming].ContainsKey(ExitOnError);
        if (stays)
        {
            arguments[ExitOnError] = false;
        }

        try
        {
            if (await MigrateAsync(qemu, Incoming, arguments, capabilities, ct) == MigrationStatus.Completed)
            {
                return null;
            }
        }
        catch (QemuExitedException) when (!stays)
        {
            // How it ended is seen below.
        }

        if (!stays)
        {
            return await SeeExitAsync(qemu, ct);
        }

        var said = new MigrationInfo(await qemu.ExecuteAsync("query-migrate", null, ct)).ErrorDescription;
        return $"{said} {qemu.Stderr}";
    }

    private async Task<string> SeeExitAsync(QemuProcess qemu, CancellationToken ct)
    {
        var status = await qemu.WhileAliveAsync("QEMU's exit after a stream that it refused", Environment.Limits.Step, token => qemu.Exited.WaitAsync(token), ct);
        var stderr = qemu.Stderr;
        if (status.Code != Failure)
        {
            throw new RuleException($"{qemu.Name}: QEMU should exit with code {Failure}; it ended with {status}; its stderr: {stderr}");
        }

        await LetGoAsync(qemu);
        return stderr;
    }

    private static async Task<MigrationStatus> MigrateAsync(QemuProcess qemu, string command, JsonObject arguments, IReadOnlyList<string> capabilities, CancellationToken ct)
    {
        await SetCapabilitiesAsync(qemu, capabilities.Append(MigrationCapability.Events.Name), true, ct);
        await qemu.ExecuteAsync(command, arguments, ct);
        var ended = await qemu.WaitForEventAsync(e => MigrationSide.StatusOf(e) is { } status && (status == MigrationStatus.Completed || status == MigrationStatus.Failed), 0,
            $"the end of {command}", ct);
        return MigrationSide.StatusOf(ended)!.Value;
    }
}
