using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs KVM as the accelerator, with dirty rings (dirty-ring-size, since 6.1).</summary>
public sealed class RequiresKvmDirtyRingAttribute : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => "KVM with dirty rings";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) =>
        environment.Accelerator.Name != "kvm" ? new MissingRequirement($"accelerator {environment.Accelerator.Name}", "TCG has no dirty ring; --accel kvm runs it where /dev/kvm opens")
        : !environment.Host.HardwareVirtualization ? new MissingRequirement("a CPU without vmx or svm", "KVM emulates the guest program there, too slowly for its pages to be counted")
        : !environment.Host.KvmDirtyRing ? new MissingRequirement("KVM without KVM_CAP_DIRTY_LOG_RING", "the kernel has had it since Linux 5.11")
        : null;
}
