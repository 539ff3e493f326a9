using System.Buffers.Binary;
using QemuMigTest.Conformance.State;
using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Devices of the board whose driver is in the middle of its work.</summary>
[RequiresTcg("what the PICs are asked for is read from QEMU's own")]
public sealed class BoardTests : MigrationFixture
{
    private const ulong HpetConfiguration = 0xfed0_0010;
    private const ulong HpetCounter = 0xfed0_00f0;
    private const ulong HpetTimer1 = 0xfed0_0120;
    private const uint HpetRuns = 1;
    private const uint HpetRunsAsPitAndRtc = 3;
    private const uint TimerInterrupts = 4;
    private const uint HpetMillisecond = 100_000;
    private const int PitLine = 0;
    private const int SerialLine = 4;
    private const int RtcLine = 8;
    private const ushort Serial = 0x3f8;
    private const byte NoInterrupt = 0xc1;
    private const byte CharacterTimeout = 0xcc;
    private const string Received = "xyz";

    // No reset, and A20 open; of the lines that are connected to nothing, which a reset sets, two are set and two are not.
    private const byte OutputPort = 0x4b;
    private const byte ResetOutputPort = 0xcf;
    private const string FirstKeys = "abcdef";
    private const string LastKeys = "ghij";
    private const string LaterKey = "k";
    private static readonly string[] FirstCodes = ["1e", "9e", "30", "b0", "2e", "ae", "20", "a0", "12", "92", "21", "a1"];
    private static readonly string[] LastCodes = ["22", "a2", "23", "a3", "17", "97", "24", "a4"];
    private static readonly string[] LaterCodes = ["25", "a5"];

    [MigrationTest("/migration/devices/board"), RequiresCapability("pause-before-switchover")]
    public async Task What_is_unread_is_read_in_order_and_interrupts_come_from_where_they_should(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover], Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var (source, qtest) = (pair.Source, pair.Source.Process.QTest!);
        await LeaveInputAsync(source, ct);
        StartPit(qtest);
        await RequestedAsync(source, PitLine, "the PIT to tick", ct);
        // The guest's clock stands still: what has a time to come has not come yet. The framework, too, plants values when a migration begins.
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        await ReceiveAsync(source, ct);
        var left = LetHpetReplace(qtest);
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.Destination.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, migration.DestinationEvents, "the end of the migration", ct);
        var sent = SavedDevices.Compare(pair, await SavedDevices.SaveAsync(source, pair, ct), await SavedDevices.SaveAsync(pair.Destination, pair, ct));
        await migration.CompleteAsync(ct);

        var destination = pair.Destination;
        await Poll.UntilAsync(destination.Name, "the guest's clock to go on for 30 ms", _ => Task.FromResult(destination.Process.QTest!.ReadUInt64(HpetCounter) > left + (30 * HpetMillisecond) ? pair : null),
            destination.Process.LastSeen, pair.Environment.Limits.Step, ct);
        CheckInterrupts(destination.Process.QTest!);
        foreach (var side in new[] { destination, source })
        {
            ReadInput(side);
            ReadReceived(side);
        }

        await KeyboardController.PressAsync(destination, LaterKey, ct);
        KeyboardController.ReadAll(destination.Process.QTest!).ShouldBe(LaterCodes, "what the keyboard tells of a key that is pressed after the migration");
        destination.Process.QTest!.Write(HpetConfiguration, Bytes(HpetRuns));
        await RequestedAsync(destination, PitLine, "the PIT to tick again, when the HPET is not in its place any more", ct);
        PutRight(source);
        PutRight(destination);
        sent.ShouldBeEmpty("what the destination would have sent on must be what it had received");
    }

    // Both queues have turned past their first 16 bytes, and the keyboard waits for the second byte of a command.
    private static async Task LeaveInputAsync(MigrationSide side, CancellationToken ct)
    {
        var qtest = side.Process.QTest!;
        KeyboardController.Start(qtest);
        KeyboardController.SetOutputPort(qtest, OutputPort);
        foreach (var value in new byte[] { 0xf3, 20, 0xe8, 3, 0xf4 })
        {
            KeyboardController.ToMouse(qtest, value);
            KeyboardController.ReadAll(qtest).ShouldBe(["mouse fa"], $"the mouse's answer to 0x{value:x}");
        }

        for (var round = 0; round < 2; round++)
        {
            await KeyboardController.PressAsync(side, FirstKeys, ct);
            KeyboardController.ReadAll(qtest).ShouldBe(FirstCodes, "what the keyboard tells of its first keys");
        }

        for (byte by = 1; by <= 6; by++)
        {
            await KeyboardController.MoveAsync(side, by, ct);
            KeyboardController.ReadAll(qtest).ShouldBe(Moved(by), "what the mouse tells of its first moves");
        }

        await KeyboardController.PressAsync(side, LastKeys, ct);
        KeyboardController.Read(qtest).ShouldBe(LastCodes[0], "the first of what the keyboard tells of its last keys");
        await KeyboardController.MoveAsync(side, 77, ct);
        await KeyboardController.MoveAsync(side, 78, ct);
        KeyboardController.ToKeyboard(qtest, 0xf0);
    }

    private static void ReadInput(MigrationSide side)
    {
        var qtest = side.Process.QTest!;
        // The controller turns from one to the other as it likes.
        var unread = KeyboardController.ReadAll(qtest).ToLookup(KeyboardController.IsMouse);
        unread[false].ShouldBe(["fa", .. LastCodes[1..]], $"{side.Name}: the keyboard's answer, then the scan codes that nobody had read");
        unread[true].ShouldBe([.. Moved(77), .. Moved(78)], $"{side.Name}: the moves of the mouse that nobody had read");
        KeyboardController.ToKeyboard(qtest, 0);
        KeyboardController.ReadAll(qtest).ShouldBe(["fa", "41"], $"{side.Name}: the keyboard's set of scan codes, asked for by a command whose first byte was sent before the migration");
        KeyboardController.ToMouse(qtest, 0xe9);
        KeyboardController.ReadAll(qtest).ShouldBe(["mouse fa", "mouse 20", "mouse 03", "mouse 14"], $"{side.Name}: whether the mouse tells of moves, its resolution, its rate");
        KeyboardController.GiveOutputPort(qtest);
        KeyboardController.Read(qtest).ShouldBe($"{OutputPort:x2}", $"{side.Name}: the output port of the keyboard's controller, which was set before the migration");
        KeyboardController.SetOutputPort(qtest, ResetOutputPort);
    }

    private static string[] Moved(byte by) => ["mouse 08", $"mouse {by:x2}", "mouse 00"];

    // Counter 0, a millisecond.
    private static void StartPit(QTestClient qtest)
    {
        const ushort Count = 1193;
        qtest.Out8(0x43, 0x34);
        qtest.Out8(0x40, Count & 0xff);
        qtest.Out8(0x40, Count >> 8);
        Pics.Forget(qtest);
    }

    private static async Task ReceiveAsync(MigrationSide side, CancellationToken ct)
    {
        const byte TriggerAt14 = 0xc1, DataReady = 1;
        var qtest = side.Process.QTest!;
        qtest.Out8(Serial + 2, TriggerAt14);
        qtest.Out8(Serial + 1, 1);
        await side.Serial.SendAsync(Received, ct);
        await Poll.UntilAsync(side.Name, "the serial port to receive", _ => Task.FromResult((qtest.In8(Serial + 5) & DataReady) != 0 ? side : null), side.Process.LastSeen, side.Process.Options.Limits.Step, ct);
        qtest.In8(Serial + 2).ShouldBe(NoInterrupt, $"{side.Name}: the serial port's interrupt, with {Received.Length} characters of 14, and no time gone by");
    }

    private static void ReadReceived(MigrationSide side)
    {
        var qtest = side.Process.QTest!;
        string.Concat(Received.Select(_ => (char)qtest.In8(Serial))).ShouldBe(Received, $"{side.Name}: what the serial port had received, and nobody had read");
        qtest.In8(Serial + 2).ShouldBe(NoInterrupt, $"{side.Name}: the serial port's interrupt when all has been read");
    }

    // In the place of PIT and RTC; its second timer, in that of the RTC, strikes after 10 ms.
    private static ulong LetHpetReplace(QTestClient qtest)
    {
        var now = qtest.ReadUInt64(HpetCounter);
        var strikes = now + (10 * HpetMillisecond);
        qtest.Write(HpetConfiguration, Bytes(HpetRunsAsPitAndRtc));
        qtest.Write(HpetTimer1, Bytes(TimerInterrupts));
        qtest.Write(HpetTimer1 + 8, Bytes((uint)strikes));
        qtest.Write(HpetTimer1 + 12, Bytes((uint)(strikes >> 32)));
        Pics.Forget(qtest);
        return now;
    }

    private static void CheckInterrupts(QTestClient qtest)
    {
        Pics.IsRequested(qtest, PitLine).ShouldBeFalse("the HPET is in the place of the PIT, whose interrupts must not come any more");
        Pics.IsRequested(qtest, RtcLine).ShouldBeTrue("the HPET is in the place of the RTC, and its second timer struck 10 ms after the switchover");
        qtest.In8(Serial + 2).ShouldBe(CharacterTimeout, $"the serial port's interrupt: {Received.Length} characters of 14 were received before the switchover, and nobody has read them for longer than four take");
        Pics.IsRequested(qtest, SerialLine).ShouldBeTrue("the serial port has an interrupt");
    }

    // What is compared of both sides after the test must have come from the same.
    private static void PutRight(MigrationSide side)
    {
        var qtest = side.Process.QTest!;
        qtest.Write(HpetConfiguration, Bytes(HpetRuns));
        qtest.Write(HpetTimer1, Bytes(0));
        Pics.Forget(qtest);
    }

    private static Task RequestedAsync(MigrationSide side, int line, string what, CancellationToken ct) =>
        Poll.UntilAsync(side.Name, what, _ => Task.FromResult(Pics.IsRequested(side.Process.QTest!, line) ? side : null), side.Process.LastSeen, side.Process.Options.Limits.Step, ct);

    private static byte[] Bytes(uint value)
    {
        var bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
