namespace QemuMigTest.Streams;

/// <summary>A device in the description of a stream.</summary>
/// <param name="Name">The name of its section.</param>
/// <param name="InstanceId">Which of several of that name.</param>
/// <param name="State">What its state consists of.</param>
public sealed record DescribedDevice(string Name, uint InstanceId, VmStateDescription State);
