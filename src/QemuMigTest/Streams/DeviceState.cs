namespace QemuMigTest.Streams;

/// <summary>A device's state in a stream.</summary>
/// <param name="Name">The section's name, such as <c>0000:00:1f.2/ich9_ahci</c>.</param>
/// <param name="InstanceId">Which of several of that name.</param>
/// <param name="Version">The version of its format.</param>
/// <param name="Offset">Where in the file its first byte is, behind the section's header.</param>
/// <param name="Length">How many bytes it has, without header and footer.</param>
/// <param name="Description">What those bytes are.</param>
public sealed record DeviceState(string Name, uint InstanceId, uint Version, long Offset, long Length, VmStateDescription Description);
