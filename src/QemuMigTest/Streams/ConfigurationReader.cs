using System.Globalization;

namespace QemuMigTest.Streams;

/// <summary>Reads the configuration at a stream's head.</summary>
internal static class ConfigurationReader
{
    private const string Capabilities = "configuration/capabilities";
    private const string TargetPageBits = "configuration/target-page-bits";
    private const string Uuid = "configuration/uuid";
    private const uint SubsectionVersion = 1;

    // Those that QEMU sends to be compared: by the sources of 7.2 to 11.1.
    private static readonly string[] KnownCapabilities = ["x-ignore-shared", "mapped-ram"];
    private const int UuidLength = 16;

    /// <summary>Reads it; the byte that announces it is behind already.</summary>
    public static StreamConfiguration Read(StreamInput input)
    {
        var start = input.Position;
        var length = input.TakeUInt32("the length of the machine type's name");
        if (length is 0 or > StreamLimits.MachineTypeBytes)
        {
            throw input.Error(start, $"the length of the machine type's name, 1 to {StreamLimits.MachineTypeBytes}", $"{length}");
        }

        var configuration = new StreamConfiguration { MachineType = input.TakeText((int)length, "the machine type's name") };
        HashSet<string> seen = [];
        while (input.Peek() == StreamMark.Subsection)
        {
            var (name, offset) = ReadSubsectionHeader(input);
            if (!seen.Add(name))
            {
                throw input.Error(offset, $"the subsection '{name}' once", "it again");
            }

            configuration = name switch
            {
                Capabilities => configuration with { Capabilities = ReadCapabilities(input) },
                TargetPageBits => configuration with { TargetPageBits = ReadPageBits(input) },
                Uuid => configuration with { Uuid = new Guid(input.Take(UuidLength, "the UUID"), bigEndian: true) },
                _ => throw input.Error(offset, $"one of the subsections {Capabilities}, {TargetPageBits}, {Uuid}", $"'{name}'"),
            };
        }

        return configuration;
    }

    private static (string Name, long Offset) ReadSubsectionHeader(StreamInput input)
    {
        var offset = input.Position;
        input.Skip(1, "a subsection");
        var name = input.TakeName("the name of a subsection");
        var versionOffset = input.Position;
        var version = input.TakeUInt32($"the version of {name}");
        return version == SubsectionVersion
            ? (name, offset)
            : throw input.Error(versionOffset, $"version {SubsectionVersion} of {name}", version.ToString(CultureInfo.InvariantCulture));
    }

    private static List<string> ReadCapabilities(StreamInput input)
    {
        var offset = input.Position;
        var count = input.TakeUInt32("the number of capabilities");
        if (count > StreamLimits.Capabilities)
        {
            throw input.Error(offset, $"at most {StreamLimits.Capabilities} capabilities", $"{count}");
        }

        List<string> names = [];
        while (names.Count < count)
        {
            var nameOffset = input.Position;
            var name = input.TakeName("the name of a capability");
            if (!KnownCapabilities.Contains(name))
            {
                throw input.Error(nameOffset, $"one of the capabilities {string.Join(", ", KnownCapabilities)}", $"'{name}'");
            }

            names.Add(!names.Contains(name) ? name : throw input.Error(nameOffset, $"the capability {name} once", "it again"));
        }

        return names;
    }

    private static int ReadPageBits(StreamInput input)
    {
        var offset = input.Position;
        var bits = input.TakeUInt32("the page size's logarithm");
        return bits is >= StreamLimits.MinPageBits and <= StreamLimits.MaxPageBits
            ? (int)bits
            : throw input.Error(offset, $"the page size's logarithm, {StreamLimits.MinPageBits} to {StreamLimits.MaxPageBits}", $"{bits}");
    }
}
