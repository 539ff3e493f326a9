using QemuMigTest.Binaries;

namespace QemuMigTest.Conformance.Rules;

/// <summary>What a QEMU is, as far as rules speak of it.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Destination">It was started with <c>-incoming</c>.</param>
/// <param name="Listening">migrate-incoming was executed.</param>
/// <param name="DirtyRing">It runs on KVM with a dirty ring.</param>
/// <param name="Userfaultfd">userfaultfd(2) is to be had.</param>
/// <param name="Replication">It was built with replication, which COLO needs.</param>
internal sealed record RuleContext(QemuVersion Version, bool Destination = false, bool Listening = false, bool DirtyRing = false, bool Userfaultfd = true, bool Replication = true);
