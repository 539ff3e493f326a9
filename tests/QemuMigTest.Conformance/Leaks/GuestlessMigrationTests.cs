using QemuMigTest.Conformance.Order;
using QemuMigTest.Conformance.Rules;
using QemuMigTest.Conformance.State;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>Migrations of a machine whose vCPU halts at once: no translated code comes and goes, and QEMU's memory is flat but for what a migration leaves.</summary>
public sealed class GuestlessMigrationTests : RuleFixture
{
    private const int FirmwareBytes = 64 * 1024;

    // Where a processor begins.
    private const int Begin = FirmwareBytes - 16;

    [MigrationTest("/migration/leaks/completed/guestless/plain", "")]
    [MigrationTest("/migration/leaks/completed/guestless/multifd", "multifd")]
    [MigrationTest("/migration/leaks/completed/guestless/xbzrle", "xbzrle")]
    public async Task Migrations_that_complete_leave_nothing_of_a_few_pages_either([Capabilities] string capabilities, CancellationToken ct)
    {
        var firmware = new byte[FirmwareBytes];
        HaltedTests.WaitForEver.CopyTo(firmware, Begin);
        var path = Session.Scratch.CreateChild("firmware").File("halts");
        await System.IO.File.WriteAllBytesAsync(path, firmware, ct);
        var source = await StartAsync("source", Environment.Source, Environment.Accelerator.Name, ["-S", "-bios", path], ct);
        await SetCapabilitiesAsync(source, MigrationCapability.Several(capabilities).Append(MigrationCapability.Events).Select(capability => capability.Name), true, ct);
        using var sink = new SinkServer(hangsUp: false);
        await LeakFixture.RepeatAsync([source], async _ =>
        {
            var position = await LeakFixture.MigrateAsync(source, sink.Uri, ct);
            await LeakFixture.UntilAsync(source, MigrationStatus.Completed, position, ct);
            await PostMigrate.WaitAsync(source, ct);
            await source.ExecuteAsync("cont", null, ct);
            await source.ExecuteAsync("stop", null, ct);
        }, ct);
    }
}
