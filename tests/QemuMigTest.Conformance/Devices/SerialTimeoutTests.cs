using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>What a serial port has received and nobody has read for a while it tells by an interrupt, also when its driver asks for that only on the destination.</summary>
public sealed class SerialTimeoutTests : MigrationFixture
{
    private const ushort Port = 0x3f8;
    private const ushort Interrupts = Port + 1;
    private const ushort Identity = Port + 2;
    private const byte TriggerAt14 = 0xc1;
    private const byte WhatIsReceived = 1;
    private const byte CharacterTimeout = 0xcc;
    private const string Received = "xyz";

    [MigrationTest("/migration/devices/serial-timeout")]
    public async Task A_timeout_that_nobody_was_told_of_is_told_on_the_destination(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var (source, qtest) = (pair.Source, pair.Source.Process.QTest!);
        qtest.Out8(Identity, TriggerAt14);
        qtest.Out8(Interrupts, WhatIsReceived);
        await source.Serial.SendAsync(Received, ct);
        await Poll.UntilAsync(source.Name, $"the serial port's interrupt, {Received.Length} characters of 14 having been received, and not read for longer than four take",
            _ => Task.FromResult(qtest.In8(Identity) == CharacterTimeout ? pair : null), source.Process.LastSeen, Environment.Limits.Step, ct);
        qtest.Out8(Interrupts, 0);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);

        var there = pair.Destination.Process.QTest!;
        there.Out8(Interrupts, WhatIsReceived);
        there.In8(Identity).ShouldBe(CharacterTimeout, "destination: the serial port's interrupt, allowed there again; the timeout came on the source");
        foreach (var side in pair.Sides)
        {
            // What is compared of both sides after the test must have come from the same.
            string.Concat(Received.Select(_ => (char)side.Process.QTest!.In8(Port))).ShouldBe(Received, $"{side.Name}: what the serial port had received");
            side.Process.QTest!.Out8(Interrupts, 0);
            side.Process.QTest!.Out8(Identity, 0);
        }
    }
}
