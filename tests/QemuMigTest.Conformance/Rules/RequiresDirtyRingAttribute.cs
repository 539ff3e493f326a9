namespace QemuMigTest.Conformance.Rules;

/// <summary>Needs a KVM with dirty rings (Linux 5.11) and QEMU's accelerator for it, whatever runs the guests of other tests: no guest runs here.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RequiresDirtyRingAttribute : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => "a KVM that has dirty rings";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) =>
        !environment.Host.KvmOpens ? new MissingRequirement("/dev/kvm does not open", "dirty rings are KVM's")
        : !environment.Host.KvmDirtyRing ? new MissingRequirement("KVM without KVM_CAP_DIRTY_LOG_RING", "the kernel has had it since Linux 5.11")
        : !environment.Source.Accelerators.Contains("kvm") ? new MissingRequirement($"{environment.Source} without KVM", "it was built so")
        : null;
}
