using System.Buffers.Binary;
using System.Text;

namespace QemuMigTest.Conformance.Devices;

/// <summary>The state of all devices as QEMU would send it (xen-save-devices-state), of a guest that is stopped on both sides: what was received is sent on as it was.</summary>
internal static class SavedDevices
{
    private const byte Section = 4;
    private const byte Part = 5;
    private const byte Footer = 0x7e;
    private const int IdBytes = 4;
    private const int StreamHeader = 8;

    // The calendar goes on while the guest does not.
    private const string Calendar = "mc146818rtc";

    // 9.0 and later also tell whether the guest was suspended.
    private const string RunState = "globalstate";

    // What each of its two channels was asked for last, lest it has to try again: taken over only where it has.
    private const string Piix = "0000:00:01.1/ide 0";
    private static readonly Range[] ToTryAgain = [0x11a..0x127, 0x12d..0x13a];

    /// <summary>What a side would send, by device. From 10.0 on it counts as transferred by a migration that is under way, or was the last.</summary>
    public static async Task<IReadOnlyDictionary<string, byte[]>> SaveAsync(MigrationSide side, MigrationPair pair, CancellationToken ct)
    {
        var path = pair.Scratch.File($"{side.Name}.devices");
        await side.ExecuteAsync("xen-save-devices-state", new() { ["filename"] = path, ["live"] = false }, ct);
        var bytes = await System.IO.File.ReadAllBytesAsync(path, ct);
        var devices = new Dictionary<string, byte[]>();
        for (var at = StreamHeader; HeaderAt(bytes, at) is var (name, id, body); at = body + devices[name].Length + 1 + IdBytes)
        {
            devices[name] = bytes[body..End(bytes, body, id)];
        }

        return devices;
    }

    /// <summary>In what the destination's state differs from the source's. Between versions the order of devices is each one's own, and so are the parts that it adds to one.</summary>
    public static IReadOnlyList<string> Compare(MigrationPair pair, IReadOnlyDictionary<string, byte[]> source, IReadOnlyDictionary<string, byte[]> destination)
    {
        var across = pair.Source.Binary.Version != pair.Destination.Binary.Version;
        return (across ? destination.Keys.ToHashSet().SetEquals(source.Keys) : destination.Keys.SequenceEqual(source.Keys))
            ? [.. source.SelectMany(device => Differences(device.Key, device.Value, destination[device.Key], across))]
            : [$"source: {string.Join(", ", source.Keys)}; destination: {string.Join(", ", destination.Keys)}"];
    }

    // A section does not tell its length: it ends with its number, and another begins, or it was the last.
    private static int End(byte[] bytes, int body, uint id)
    {
        var footer = new byte[1 + IdBytes];
        footer[0] = Footer;
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(1), id);
        for (var at = body; ; at++)
        {
            var found = bytes.AsSpan(at).IndexOf(footer);
            found.ShouldBeGreaterThanOrEqualTo(0, $"the end of section {id} from {body} on");
            at += found;
            var next = at + footer.Length;
            if (next == bytes.Length - 1 || HeaderAt(bytes, next) is not null)
            {
                return at;
            }
        }
    }

    private static (string Name, uint Id, int Body)? HeaderAt(byte[] bytes, int at)
    {
        const int NameAt = 1 + IdBytes + 1, Numbers = 8;
        if (at + NameAt > bytes.Length || bytes[at] != Section)
        {
            return null;
        }

        var name = bytes.AsSpan(at + NameAt, Math.Min(bytes[at + NameAt - 1], bytes.Length - at - NameAt));
        var instanceAt = at + NameAt + name.Length;
        return name.IsEmpty || name.ContainsAnyExceptInRange((byte)' ', (byte)'~') || instanceAt + Numbers > bytes.Length
            ? null
            : ($"{Encoding.ASCII.GetString(name)} {BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(instanceAt))}", BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at + 1)), instanceAt + Numbers);
    }

    private static IEnumerable<string> Differences(string device, byte[] source, byte[] destination, bool across)
    {
        if (source.Length != destination.Length && !across)
        {
            return [$"{device}: source {source.Length} bytes, destination {destination.Length}"];
        }

        return device.StartsWith(Calendar, StringComparison.Ordinal) || across && device.StartsWith(RunState, StringComparison.Ordinal)
            ? []
            : Enumerable.Range(0, source.Length == destination.Length ? source.Length : Math.Min(PartsAt(source), PartsAt(destination))).Where(at => source[at] != destination[at] && !(device == Piix && ToTryAgain.Any(range => at >= range.Start.Value && at < range.End.Value))).Select(at => $"{device}, byte 0x{at:x}: source 0x{source[at]:x2}, destination 0x{destination[at]:x2}");
    }

    // A part (a subsection) has a name like that of the device it belongs to: ich9_pm/cpuhp.
    private static int PartsAt(byte[] device)
    {
        const int HeaderBytes = 2;
        for (var at = 0; at + HeaderBytes < device.Length; at++)
        {
            var name = device.AsSpan(at + HeaderBytes, Math.Min(device[at + 1], device.Length - at - HeaderBytes));
            if (device[at] == Part && name.Contains((byte)'/') && !name.ContainsAnyExceptInRange((byte)' ', (byte)'~'))
            {
                return at;
            }
        }

        return device.Length;
    }
}
