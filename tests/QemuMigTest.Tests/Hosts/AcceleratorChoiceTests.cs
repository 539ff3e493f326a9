using NUnit.Framework;
using QemuMigTest.Hosts;
using QemuMigTest.Tests.Binaries;
using Shouldly;

namespace QemuMigTest.Tests.Hosts;

public sealed class AcceleratorChoiceTests
{
    private static readonly HostFeatures Full = new(HardwareVirtualization: true, KvmOpens: true, UserfaultfdError: null);

    [TestCase(true, true, "kvm", "the CPU has it and /dev/kvm opens")]
    [TestCase(false, true, "tcg", "the CPU shows no vmx or svm")]
    [TestCase(true, false, "tcg", "/dev/kvm does not open")]
    public void Auto_takes_KVM_where_it_is_of_use(bool hardware, bool opens, string name, string reason)
    {
        foreach (var wanted in new[] { null, "", "auto" })
        {
            AcceleratorChoice.Choose(wanted, Full with { HardwareVirtualization = hardware, KvmOpens = opens }, Builds.Of(10, 0)).ShouldBe(new(name, reason));
        }
    }

    [Test]
    public void Auto_takes_TCG_where_one_build_has_no_KVM() =>
        AcceleratorChoice.Choose(null, Full, Builds.Of(10, 0), Builds.Of(9, 2) with { Accelerators = ["tcg"] }).ShouldBe(new("tcg", "a QEMU is built without KVM"));

    [Test]
    public void What_was_asked_for_is_taken_or_refused_with_the_remedy()
    {
        AcceleratorChoice.Choose("tcg", Full, Builds.Of(10, 0)).Name.ShouldBe("tcg");
        AcceleratorChoice.Choose("kvm", Full with { HardwareVirtualization = false }, Builds.Of(10, 0)).Name.ShouldBe("kvm");
        Refused("kvm", Full with { KvmOpens = false }).ShouldContain("/dev/kvm cannot be opened");
        Refused("hvf", Full).ShouldBe("Accelerator 'hvf' is not known: use auto, tcg or kvm.");
        Refused("tcg", Full, "kvm").ShouldBe("QEMU 10.0.0 (/opt/qemu-10.0) is built without tcg; it has: kvm.");
    }

    private static string Refused(string wanted, HostFeatures host, params string[] accelerators) => Should.Throw<QemuMigTestException>(() =>
        AcceleratorChoice.Choose(wanted, host, Builds.Of(10, 0) with { Accelerators = accelerators is [] ? ["tcg", "kvm"] : [.. accelerators] })).Message;
}
