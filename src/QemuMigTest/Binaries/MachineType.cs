namespace QemuMigTest.Binaries;

/// <summary>A machine type that a build knows (query-machines).</summary>
/// <param name="Name">The versioned name, such as <c>pc-q35-10.0</c>.</param>
/// <param name="Alias">The alias that means it, such as <c>q35</c>, or null.</param>
/// <param name="Deprecated">Whether QEMU says so (since 5.0).</param>
public sealed record MachineType(string Name, string? Alias, bool Deprecated);
