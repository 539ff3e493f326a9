using System.Text.Json.Nodes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>The i8042, with a keyboard and a mouse behind it, driven by qtest.</summary>
internal static class KeyboardController
{
    private const ushort Data = 0x60;
    private const ushort Status = 0x64;
    private const byte OutputFull = 1;
    private const byte FromMouse = 0x20;
    private const string Mouse = "mouse ";

    // More than both can hold.
    private const int Most = 64;

    /// <summary>Lets both work and interrupt, scan codes translated, and reads what is left.</summary>
    public static void Start(QTestClient qtest)
    {
        qtest.Out8(Status, 0x60);
        qtest.Out8(Data, 0x47);
        ReadAll(qtest);
    }

    /// <summary>Has the controller give a byte as if the keyboard had sent it.</summary>
    public static void Give(QTestClient qtest, byte value)
    {
        qtest.Out8(Status, 0xd2);
        qtest.Out8(Data, value);
    }

    /// <summary>The same as if it were the mouse's.</summary>
    public static void GiveAsMouse(QTestClient qtest, byte value)
    {
        qtest.Out8(Status, 0xd3);
        qtest.Out8(Data, value);
    }

    /// <summary>Sets its output port, of which bit 0 must be set, else the machine is reset, and bit 1 opens A20.</summary>
    public static void SetOutputPort(QTestClient qtest, byte value)
    {
        qtest.Out8(Status, 0xd1);
        qtest.Out8(Data, value);
    }

    /// <summary>Has it give its output port, as the next byte to be read. Bits 4 and 5 tell that there was one before.</summary>
    public static void GiveOutputPort(QTestClient qtest) => qtest.Out8(Status, 0xd0);

    /// <summary>A byte for the keyboard.</summary>
    public static void ToKeyboard(QTestClient qtest, byte value) => qtest.Out8(Data, value);

    /// <summary>A byte for the mouse.</summary>
    public static void ToMouse(QTestClient qtest, byte value)
    {
        qtest.Out8(Status, 0xd4);
        qtest.Out8(Data, value);
    }

    /// <summary>Presses and releases keys, of which each makes two scan codes. The guest must be running, else QEMU drops them.</summary>
    /// <param name="side">Whose.</param>
    /// <param name="keys">QEMU's names of keys, of one letter each.</param>
    /// <param name="ct">Ends it.</param>
    public static Task PressAsync(MigrationSide side, string keys, CancellationToken ct) => SendAsync(side, keys.SelectMany(key => new[] { Key(key, down: true), Key(key, down: false) }), ct);

    /// <summary>Moves the mouse to the right, which makes three bytes. The guest must be running.</summary>
    public static Task MoveAsync(MigrationSide side, byte by, CancellationToken ct) =>
        SendAsync(side, [new JsonObject { ["type"] = "rel", ["data"] = new JsonObject { ["axis"] = "x", ["value"] = by } }], ct);

    /// <summary>Whether what was read is the mouse's.</summary>
    public static bool IsMouse(string read) => read.StartsWith(Mouse, StringComparison.Ordinal);

    /// <summary>Reads a byte; "mouse" before it where it is the mouse's, null where there is none.</summary>
    public static string? Read(QTestClient qtest)
    {
        var status = qtest.In8(Status);
        return (status & OutputFull) == 0 ? null : $"{((status & FromMouse) == 0 ? "" : Mouse)}{qtest.In8(Data):x2}";
    }

    /// <summary>Reads all that is there.</summary>
    public static IReadOnlyList<string> ReadAll(QTestClient qtest) => [.. Enumerable.Range(0, Most).Select(_ => Read(qtest)).TakeWhile(read => read is not null).OfType<string>()];

    private static JsonObject Key(char key, bool down) => new()
    {
        ["type"] = "key",
        ["data"] = new JsonObject { ["down"] = down, ["key"] = new JsonObject { ["type"] = "qcode", ["data"] = $"{key}" } },
    };

    private static Task SendAsync(MigrationSide side, IEnumerable<JsonObject> events, CancellationToken ct) =>
        side.ExecuteAsync("input-send-event", new() { ["events"] = new JsonArray([.. events]) }, ct);
}
