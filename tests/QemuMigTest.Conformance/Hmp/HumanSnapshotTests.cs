using QemuMigTest.Conformance.Devices;
using QemuMigTest.Conformance.Rules;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Hmp;

/// <summary>Snapshots of a VM that the human monitor saves, loads and removes: each is what memory was then.</summary>
public sealed class HumanSnapshotTests : RuleFixture
{
    private const uint DiskBytes = 1 << 20;
    private const int Bytes = 3 * 4096;

    // Anywhere in RAM, across pages.
    private const ulong At = 0x60_0800;

    [MigrationTest("/migration/hmp/savevm")]
    public async Task Each_snapshot_is_what_memory_was_then_until_it_is_removed(CancellationToken ct)
    {
        var image = Session.Scratch.CreateChild("savevm").File("image");
        await System.IO.File.WriteAllBytesAsync(image, Qcow2Image.Empty(DiskBytes, version: 3), ct);
        var qemu = await StartAsync("source", Environment.Source, Environment.Accelerator.Name, ["-S", "-drive", $"if=none,id=snapshots,format=qcow2,file={QemuCommandLine.InList(image)}"], ct, qtest: true);
        var (first, second, third) = (Filled(1), Filled(2), Filled(3));
        await SaveAsync("first", first);
        await SaveAsync("second", second);
        (await TagsAsync()).ShouldBe(["first", "second"]);

        qemu.QTest!.Write(At, third);
        await LoadAsync("first", first);
        await LoadAsync("second", second);
        await LoadAsync("first", first);

        await TypeAsync("delvm first");
        (await TagsAsync()).ShouldBe(["second"]);
        (await HumanText.OfAsync(qemu, "loadvm first", ct)).ShouldContain("first", Case.Sensitive, "there is none of that name any more");
        await LoadAsync("second", second);
        (await HumanText.OfAsync(qemu, "info status", ct)).ShouldContain("paused", Case.Sensitive, "nobody has let the guest run");

        async Task SaveAsync(string tag, byte[] content)
        {
            qemu.QTest!.Write(At, content);
            await TypeAsync($"savevm {tag}");
        }

        async Task LoadAsync(string tag, byte[] content)
        {
            await TypeAsync($"loadvm {tag}");
            qemu.QTest!.Read(At, Bytes).ShouldBe(content, $"memory as it was saved in {tag}");
        }

        async Task TypeAsync(string line) => (await HumanText.OfAsync(qemu, line, ct)).ShouldBeEmpty($"what {line} says");

        // A line for each that all disks have: a number or none, the tag, the VM's size and time.
        async Task<IReadOnlyList<string>> TagsAsync() =>
        [
            .. (await HumanText.OfAsync(qemu, "info snapshots", ct)).Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(words => words.Length > 4 && words[0] is not ("ID" or "List")).Select(words => words[1]),
        ];
    }

    private static byte[] Filled(byte value)
    {
        var content = new byte[Bytes];
        Array.Fill(content, value);
        return content;
    }
}
