using QemuMigTest.Binaries;

namespace QemuMigTest.Conformance;

/// <summary>What changed its meaning between versions of QEMU and that no query tells.</summary>
internal static class Quirks
{
    /// <summary><c>fd:</c> with a plain file is refused: <c>file:</c> is there for it.</summary>
    public static bool PlainFileDescriptorRefused(QemuVersion version) => version.IsAtLeast(11, 0);

    /// <summary>Multifd and postcopy-ram exclude each other: allowed again, and made to work, in 10.1; 7.2 does not look.</summary>
    public static bool MultifdPostcopyRefused(QemuVersion version) => version.IsAtLeast(8, 0) && !version.IsAtLeast(10, 1);

    /// <summary>Why 7.2 is not asked for multifd together with postcopy-ram.</summary>
    public const string MultifdPostcopyAborts = "7.2 accepts multifd together with postcopy-ram, and its destination aborts";

    /// <summary>transferred counts multifd's pages as if they were not compressed: seen on 7.2.</summary>
    public static bool CompressionNotCounted(QemuVersion version) => !version.IsAtLeast(8, 0);

    /// <summary>multifd-zlib-level and multifd-zstd-level are accepted and not applied: seen on 7.2.</summary>
    public static bool CompressionLevelIgnored(QemuVersion version) => !version.IsAtLeast(8, 0);
}
