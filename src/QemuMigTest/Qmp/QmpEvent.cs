using System.Text.Json;

namespace QemuMigTest.Qmp;

/// <summary>One event from QEMU.</summary>
/// <param name="Name">QAPI's event name, such as <c>STOP</c> or <c>MIGRATION</c>.</param>
/// <param name="Data">Its data; an empty object when it has none.</param>
/// <param name="Timestamp">QEMU's own time of it, to the microsecond (1969 when QEMU could not read its clock).</param>
/// <param name="Received">When it was read here, since the client began to connect.</param>
/// <param name="Position">Its index in the <see cref="QmpEventLog"/>, from 0.</param>
public sealed record QmpEvent(string Name, JsonElement Data, DateTimeOffset Timestamp, TimeSpan Received, int Position);
