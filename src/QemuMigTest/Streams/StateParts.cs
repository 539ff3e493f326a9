namespace QemuMigTest.Streams;

/// <summary>A <see cref="VmStateDescription"/> in the making.</summary>
internal sealed class StateParts
{
    public string? Name { get; set; }

    public long? Version { get; set; }

    public long? Size { get; set; }

    public List<VmStateField>? Fields { get; set; }

    public List<VmStateDescription>? Subsections { get; set; }
}
