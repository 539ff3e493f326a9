using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>What a serial port has received and nobody has read for a while it tells by an interrupt, also when its driver asks for that only on the destination; what comes there it tells of as it was told to before.</summary>
public sealed class SerialTimeoutTests : MigrationFixture
{
    private const ushort Port = 0x3f8;
    private const ushort Interrupts = Port + 1;
    private const ushort Identity = Port + 2;
    private const byte TriggerAt14 = 0xc1;
    private const byte WhatIsReceived = 1;
    private const ushort LineStatus = Port + 5;
    private const byte NoInterrupt = 0xc1;
    private const byte DataAvailable = 0xc4;
    private const byte CharacterTimeout = 0xcc;
    private const byte DataReady = 1;
    private const string Received = "xyz";
    private const string ThirteenMore = "abcdefghijklm";
    private const string Fourteenth = "n";

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
        }

        await ReceiveToTriggerAsync(pair.Destination, ct);
        foreach (var side in pair.Sides)
        {
            side.Process.QTest!.Out8(Interrupts, 0);
            side.Process.QTest!.Out8(Identity, 0);
        }
    }

    private static async Task ReceiveToTriggerAsync(MigrationSide side, CancellationToken ct)
    {
        var qtest = side.Process.QTest!;
        // The guest's clock stands still, so that there is no timeout.
        await side.StopAsync(ct);
        await side.Serial.SendAsync(ThirteenMore, ct);
        await Poll.UntilAsync(side.Name, "the serial port to receive", _ => Task.FromResult((qtest.In8(LineStatus) & DataReady) != 0 ? side : null), side.Process.LastSeen, side.Process.Options.Limits.Step, ct);
        qtest.In8(Identity).ShouldBe(NoInterrupt, $"{side.Name}: the serial port's interrupt, with {ThirteenMore.Length} characters at most of the 14 that its FIFO was set to before the migration, and no time gone by");
        await side.Serial.SendAsync(Fourteenth, ct);
        await Poll.UntilAsync(side.Name, "the serial port's interrupt, 14 characters having been received", _ => Task.FromResult(qtest.In8(Identity) == DataAvailable ? side : null),
            () => $"interrupt 0x{qtest.In8(Identity):x2}", side.Process.Options.Limits.Step, ct);
        const string All = ThirteenMore + Fourteenth;
        string.Concat(All.Select(_ => (char)qtest.In8(Port))).ShouldBe(All, $"{side.Name}: what the serial port has received after the migration");
        await side.ContinueAsync(ct);
    }
}
