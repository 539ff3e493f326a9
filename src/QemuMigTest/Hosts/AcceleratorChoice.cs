using QemuMigTest.Binaries;

namespace QemuMigTest.Hosts;

/// <summary>Which accelerator a pair runs on, and why.</summary>
/// <param name="Name"><c>tcg</c> or <c>kvm</c>.</param>
/// <param name="Reason">Why that one, for the header of a run.</param>
public sealed record AcceleratorChoice(string Name, string Reason)
{
    /// <summary>Chooses: what was asked for, else KVM where the CPU has vmx or svm and /dev/kvm opens, else TCG.</summary>
    /// <param name="wanted"><c>tcg</c>, <c>kvm</c>, or <c>auto</c> or null.</param>
    /// <param name="host">This machine.</param>
    /// <param name="binaries">The builds that must have it.</param>
    /// <exception cref="QemuMigTestException">What was asked for is not to be had, or neither is.</exception>
    public static AcceleratorChoice Choose(string? wanted, HostFeatures host, params IReadOnlyList<QemuBinary> binaries)
    {
        var choice = wanted switch
        {
            "tcg" => new("tcg", "--accel"),
            "kvm" when !host.KvmOpens => throw new QemuMigTestException("KVM was asked for, but /dev/kvm cannot be opened. Load kvm_amd or kvm_intel and check its permissions, or use --accel tcg."),
            "kvm" => new("kvm", "--accel"),
            null or "" or "auto" when !host.HardwareVirtualization => new("tcg", "the CPU shows no vmx or svm"),
            null or "" or "auto" when !host.KvmOpens => new("tcg", "/dev/kvm does not open"),
            null or "" or "auto" when binaries.Any(binary => !binary.Accelerators.Contains("kvm")) => new("tcg", "a QEMU is built without KVM"),
            null or "" or "auto" => new AcceleratorChoice("kvm", "the CPU has it and /dev/kvm opens"),
            _ => throw new QemuMigTestException($"Accelerator '{wanted}' is not known: use auto, tcg or kvm."),
        };
        return binaries.FirstOrDefault(binary => !binary.Accelerators.Contains(choice.Name)) is { } without
            ? throw new QemuMigTestException($"{without} is built without {choice.Name}; it has: {string.Join(' ', without.Accelerators)}.")
            : choice;
    }
}
