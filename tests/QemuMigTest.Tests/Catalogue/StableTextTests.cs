using FsCheck;
using NUnit.Framework;
using QemuMigTest.Cli.Catalogue;
using Shouldly;

namespace QemuMigTest.Tests.Catalogue;

public sealed class StableTextTests
{
    [TestCase("source and destination QEMU 7.2.22 (bookworm) without it", "QEMU 7.2 without it")]
    [TestCase("source QEMU 7.2.22 (/opt/qemu/bin/qemu-system-x86_64) without it", "source QEMU 7.2 without it")]
    [TestCase("QEMU 11.1.3 (trixie-backports)", "QEMU 11.1")]
    [TestCase("11.1.3 (Debian 1:11.1.3+ds-1~bpo13+1)", "11.1")]
    [TestCase("since 10.0.2, not in 7.2", "since 10.0, not in 7.2")]
    [TestCase("EPERM from /dev/userfaultfd, vm.unprivileged_userfaultfd is 0", "EPERM from /dev/userfaultfd, vm.unprivileged_userfaultfd is 0")]
    [TestCase("/proc/sys/vm/unprivileged_userfaultfd says 0", "/proc/sys/vm/unprivileged_userfaultfd says 0")]
    [TestCase("no O_DIRECT in /tmp/qmt-1234-99/a.b: EINVAL", "no O_DIRECT in …/a.b: EINVAL")]
    [TestCase("no O_DIRECT in /tmp/qmt-1234-99.", "no O_DIRECT in …/qmt-1234-99.")]
    [TestCase("'/root/.cache/x' is missing", "'…/x' is missing")]
    [TestCase("opens /proc/4711/fd/12 of pid 4711", "opens /proc/N/fd/12 of pid N")]
    [TestCase("connect to 127.0.0.1:45123 and [::1]:7", "connect to 127.0.0.1:PORT and [::1]:PORT")]
    [TestCase("at 0x7f00deadbeef, not 0x200", "at 0x…, not 0x200")]
    [TestCase("reads/writes per second, 1/2", "reads/writes per second, 1/2")]
    [TestCase("over two\n   lines ", "over two lines")]
    [TestCase("needs /migration/precopy/tcp/plain", "needs /migration/precopy/tcp/plain")]
    public void What_another_machine_or_an_update_would_change_is_taken_out(string text, string wanted) =>
        StableText.Of(text).ShouldBe(wanted);

    [FsCheck.NUnit.Property]
    public void What_is_stable_stays(NonNull<string> text)
    {
        var once = StableText.Of(text.Get);

        StableText.Of(once).ShouldBe(once);
    }
}
