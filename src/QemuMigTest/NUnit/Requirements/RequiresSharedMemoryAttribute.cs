using QemuMigTest.Hosts;
using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs /dev/shm with room for a guest's RAM: for <see cref="GuestRam.SharedFile"/>.</summary>
public sealed class RequiresSharedMemoryAttribute : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => $"{SharedMemory.Folder} with {MigrationPair.GuestMemoryMiB} MiB free";

    /// <inheritdoc/>
    // Asked anew each time: what is free changes while a run goes on.
    public override MissingRequirement? Check(MigrationEnvironment environment) => SharedMemory.WhyNot(SharedMemory.Folder, MigrationPair.GuestMemoryBytes) is { } error
        ? new MissingRequirement(error, $"source and destination share the guest's RAM there; free some of it, or mount -o remount,size=1g {SharedMemory.Folder}")
        : null;
}
