namespace QemuMigTest.Streams;

/// <summary>What both sides of a migration must agree on, as a stream's head says it.</summary>
public sealed record StreamConfiguration
{
    /// <summary>The machine type, such as <c>pc-q35-10.0</c>.</summary>
    public required string MachineType { get; init; }

    /// <summary>Those capabilities that shape the stream and were on: x-ignore-shared, mapped-ram. By QAPI's names.</summary>
    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>The binary logarithm of the page size, where it is not the target's smallest; else null.</summary>
    public int? TargetPageBits { get; init; }

    /// <summary>The VM's UUID, with capability validate-uuid; else null.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>Whether RAM is at fixed places in the file (capability mapped-ram, since 9.0).</summary>
    public bool MappedRam => Capabilities.Contains("mapped-ram");

    /// <summary>Whether shared RAM is left out (capability x-ignore-shared, since 4.0).</summary>
    public bool IgnoreShared => Capabilities.Contains("x-ignore-shared");
}
