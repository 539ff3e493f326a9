using QemuMigTest.Hosts;
using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs a QEMU that may lock as much memory as it wants: for the pages of zero-copy-send that the kernel has not sent yet.</summary>
public sealed class RequiresLockedMemoryAttribute : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => "no limit on locked memory";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => LockedMemory.WhyLimited() is { } limit
        ? new MissingRequirement(limit, "pages that are on their way are locked: ulimit -l unlimited, or root")
        : null;
}
