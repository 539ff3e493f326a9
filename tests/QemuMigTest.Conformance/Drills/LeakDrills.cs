using System.Net.Sockets;
using System.Text.RegularExpressions;
using QemuMigTest.Conformance.Leaks;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Drills;

using File = System.IO.File;

public sealed class LeakDrills : DrillFixture
{
    private const int Leaked = 100_000;
    private const int LeakedAtOnce = 3_000_000;

    [Test, DrillLimit]
    public async Task A_process_that_a_QEMU_leaves_behind_is_found_and_ended(CancellationToken ct)
    {
        var launch = Environment.Source.Launch;
        var leaving = launch with
        {
            FileName = "/bin/sh",
            PrefixArguments = ["-c", "sleep 600 & exec \"$0\" \"$@\"", launch.FileName, .. launch.PrefixArguments],
        };
        var pair = await StartVictimAsync(new(), ct, Environment with { Source = Environment.Source with { Launch = leaving } });
        var findings = await FindingsAsync(pair, ct);
        var found = Regex.Match(findings, @"^\[leaks\] source: process (\d+) of its group is still there$");
        found.Success.ShouldBeTrue(findings);
        var left = found.Groups[1].Value;
        Directory.Exists($"/proc/{left}").ShouldBeTrue();

        await pair.DisposeAsync();
        await Poll.UntilAsync("source", "the end of the process it had left", _ => Task.FromResult(Alive(left) ? null : this), () => "alive", Environment.Limits.Kill, ct);
    }

    [Test, DrillLimit]
    public async Task A_socket_that_is_left_is_found(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new(), ct);
        var path = pair.Scratch.File("left");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        (await FindingsAsync(pair, ct)).ShouldBe($"[leaks] pair: socket {path} is still there");
    }

    [Test, DrillLimit]
    public async Task A_file_that_is_left_in_shared_memory_is_found(CancellationToken ct)
    {
        var path = $"/dev/shm/{Path.GetFileName(Session.Scratch.Path)}-drill";
        try
        {
            var pair = await StartVictimAsync(new()
            {
                SourceArguments = new QemuCommandLine()
                    .With("-object", $"memory-backend-file,id=left,size=150M,mem-path={path},share=on")
                    .With("-machine", "memory-backend=left"),
            }, ct);
            (await FindingsAsync(pair, ct)).ShouldBe($"[leaks] source: {path} is still there");
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test, DrillLimit]
    public async Task Memory_that_grows_with_each_round_is_found_and_one_that_grows_twice_or_no_more_is_not(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new(), ct);
        await pair.StopSourceAsync(ct);
        await GrowAsync(round => round is 10 or 15, "twice").ShouldNotThrowAsync();
        await GrowAsync(round => round <= LeakFixture.Many, "first").ShouldNotThrowAsync();
        (await GrowAsync(_ => true, "each").ShouldThrowAsync<QemuMigTestException>()).Message.ShouldStartWith("source: its memory grows from round to round");

        Task GrowAsync(Func<int, bool> grows, string name) => LeakFixture.RepeatAsync([pair.Source.Process],
            round => grows(round) ? LeakAsync(pair.Source, $"{name}{round}", Leaked, ct) : Task.CompletedTask, ct);
    }

    [Test, DrillLimit]
    public async Task Memory_that_a_destination_has_and_its_source_had_not_is_found(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        await LeakAsync(pair.Destination, "leaked", LeakedAtOnce, ct);
        (await FindingsAsync(pair, ct)).ShouldMatch(@"^\[residue\] destination: it has \d+ KiB of memory of its own, without the guest's RAM and its translated code, and the source \d+ KiB$");
    }

    // By a file: QEMU takes what comes over QMP byte by byte.
    private async Task LeakAsync(MigrationSide side, string name, int bytes, CancellationToken ct)
    {
        using var folder = Session.Scratch.CreateChild("");
        var path = folder.File(name);
        await File.WriteAllTextAsync(path, new string('x', bytes), ct);
        await side.ExecuteAsync("object-add", new() { ["qom-type"] = "secret", ["id"] = name, ["file"] = path }, ct);
    }

    // One that nobody has reaped yet has ended all the same.
    private static bool Alive(string pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] != 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }
}
