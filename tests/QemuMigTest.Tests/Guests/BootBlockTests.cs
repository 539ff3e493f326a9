using NUnit.Framework;
using Shouldly;

namespace QemuMigTest.Tests.Guests;

public class BootBlockTests
{
    [TestCase("a-b"), TestCase("state"), CancelAfter(30_000)]
    public async Task The_committed_boot_block_is_what_its_source_assembles_to(string name, CancellationToken ct)
    {
        var (image, symbols) = await GuestAssembler.AssembleAsync(Path.Combine(GuestAssembler.Repository, "asm", $"{name}.S"), ct);

        var committed = Path.Combine(GuestAssembler.Repository, "bootblocks", name);
        Convert.ToHexString(image).ShouldBe(
            Convert.ToHexString(await File.ReadAllBytesAsync($"{committed}.bin", ct)), $"bootblocks/{name}.bin is not asm/{name}.S assembled");
        symbols.ShouldBe(await File.ReadAllTextAsync($"{committed}.sym", ct), $"bootblocks/{name}.sym is not asm/{name}.S assembled");
    }
}
