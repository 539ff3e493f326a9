using QemuMigTest.Hosts;

namespace QemuMigTest.Conformance.Drills;

using File = System.IO.File;

[RequiresArgument("migrate", "channels", "file")]
public sealed class DiskFullDrills : DrillFixture
{
    [Test, DrillLimit]
    public async Task A_disk_that_fills_up_fails_the_migration_and_the_source_runs_on(CancellationToken ct)
    {
        await SkipWithoutMountNamespaceAsync();
        using var folder = Session.Scratch.CreateChild("full");
        // Mounted in a namespace of the source's alone: it is gone with the process, however that ends.
        var launch = Environment.Source.Launch;
        var mounting = launch with
        {
            FileName = ExecutableSearch.OnPath("unshare")!,
            PrefixArguments = ["-m", "--", "/bin/sh", "-c", "mount -t tmpfs -o size=4M none \"$0\" && exec \"$@\"", folder.Path, launch.FileName, .. launch.PrefixArguments],
        };
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed }, Environment with { Source = Environment.Source with { Launch = mounting } }, ct);
        var migration = await pair.MigrateAsync(new FileChannel(folder: folder.Path), ct);
        await migration.FailAsync("No space left on device", DestinationEnd.Stays, ct);
    }

    private async Task SkipWithoutMountNamespaceAsync()
    {
        if (ExecutableSearch.OnPath("unshare") is not { } unshare)
        {
            Assert.Ignore("needs a small disk of its own; found: unshare is not on PATH (install util-linux)");
            return;
        }

        using var scratch = Session.Scratch.CreateChild("unshare");
        var output = scratch.File("output");
        var trial = await Session.Spawner.StartAsync(new()
        {
            FileName = unshare,
            Arguments = ["-m", "--", "/bin/sh", "-c", "mount -t tmpfs -o size=4M none \"$0\"", scratch.Path],
            OutputFile = output,
        });
        if (!(await trial.Exited).IsSuccess)
        {
            Assert.Ignore($"needs a small disk of its own, in a mount namespace; found: {(await File.ReadAllTextAsync(output)).Trim()} (root may make one)");
        }
    }
}
