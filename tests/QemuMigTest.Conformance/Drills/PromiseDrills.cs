using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Promises;

namespace QemuMigTest.Conformance.Drills;

/// <summary>Events, ticks, statistics, residue and promises: each is broken once, and the framework says so.</summary>
public sealed class PromiseDrills : DrillFixture
{
    private const long Limit = 20_000_000;

    [Test, DrillLimit]
    public async Task A_guest_that_is_stopped_and_runs_again_without_a_cause_is_found(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        // By HMP: what QMP's stop and cont cause is theirs.
        await pair.Destination.HumanAsync("stop", ct);
        await pair.Destination.HumanAsync("cont", ct);
        var findings = await FindingsAsync(pair, ct);
        findings.ShouldContain("[events] destination: it stopped at");
        findings.ShouldContain("and neither stop nor a migration away from it was the cause");
        findings.ShouldContain("[events] destination: RESUME came once more at");
    }

    [Test, DrillLimit]
    public async Task A_guest_that_is_reset_is_found_by_its_event_and_by_its_markers(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        var position = pair.Destination.EventPosition;
        var serial = pair.Destination.Serial.Position;
        await pair.Destination.HumanAsync("system_reset", ct);
        await pair.Destination.WaitForEventAsync("RESET", position, ct);
        serial = await pair.Destination.Serial.WaitForAsync('A', serial, ct);
        await pair.Destination.Serial.WaitForAsync('B', serial, ct);
        var findings = await FindingsAsync(pair, ct);
        findings.ShouldContain("[events] destination: event RESET came, and nobody had asked for it by system_reset or system_wakeup");
        findings.ShouldContain("[ticks] destination: its guest must have started once; there are 2 markers A");
    }

    [Test, DrillLimit]
    public async Task A_source_that_runs_on_after_the_switchover_is_found_by_its_markers(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        await pair.Source.ContinueAsync(ct);
        await pair.Source.Serial.WaitForAsync('B', pair.Source.Serial.Position, ct);
        await pair.Source.StopAsync(ct);
        (await FindingsAsync(pair, ct)).ShouldContain("it ran on two sides, or a pass again");
    }

    [Test, DrillLimit]
    public async Task A_descriptor_that_nobody_closes_is_found(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        using var left = new SocketPair();
        await pair.Destination.Process.ExecuteWithDescriptorAsync("getfd", new() { ["fdname"] = "left" }, left.First, ct);
        (await FindingsAsync(pair, ct)).ShouldBe("[residue] destination: 1 descriptor 'socket' more than before its first migration");
    }

    [Test, DrillLimit]
    public async Task A_fault_that_is_known_and_is_not_there_is_noticed(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        pair.ExpectResidue(pair.Source, "socket");
        (await FindingsAsync(pair, ct)).ShouldContain("[residue] source: it is known to leave 'socket' open, and did not");
    }

    [Test, DrillLimit]
    public async Task A_capability_that_changed_unseen_is_found_by_its_missing_effect(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        await pair.Source.EnableAsync([new MigrationCapability("pause-before-switchover")], ct);
        (await FindingsAsync(pair, ct)).ShouldBe("[statistics] source: migration 1: capability pause-before-switchover is on, and there was no status pre-switchover");
    }

    [Test, DrillLimit]
    public async Task A_wire_that_is_faster_than_its_limit_is_found(CancellationToken ct)
    {
        var proxy = await StartLimitedAsync(new ProxyChannel(), ct);
        (await Should.ThrowAsync<QemuMigTestException>(() => WireRate.ShouldBeAsync(proxy, Limit / 2, TimeSpan.Zero, ct))).Message.ShouldContain("the limit is 10.0 MB/s");
    }

    [Test, DrillLimit]
    public async Task A_wire_that_is_slower_than_it_may_be_is_found(CancellationToken ct)
    {
        var proxy = await StartLimitedAsync(new ProxyChannel(Limit / 2), ct);
        (await Should.ThrowAsync<QemuMigTestException>(() => WireRate.ShouldBeAsync(proxy, Limit, TimeSpan.Zero, ct))).Message.ShouldContain("it may use 20.0 MB/s");
    }

    private async Task<ProxyChannel> StartLimitedAsync(ProxyChannel proxy, CancellationToken ct)
    {
        var pair = await StartVictimAsync(new(), ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = Limit }, ct);
        await pair.MigrateAsync(proxy, ct);
        await proxy.WaitForBytesAsync(Limit / 2, Environment.Limits.Step, ct);
        return proxy;
    }
}
