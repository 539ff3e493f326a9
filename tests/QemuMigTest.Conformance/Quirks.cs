using QemuMigTest.Binaries;

namespace QemuMigTest.Conformance;

/// <summary>What changed its meaning between versions of QEMU and that no query tells.</summary>
internal static class Quirks
{
    /// <summary><c>fd:</c> with a plain file is refused: <c>file:</c> is there for it.</summary>
    public static bool PlainFileDescriptorRefused(QemuVersion version) => version.IsAtLeast(11, 0);
}
