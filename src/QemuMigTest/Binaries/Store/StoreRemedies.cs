namespace QemuMigTest.Binaries.Store;

/// <summary>What to do when a fetch fails, in words that fit at the end of a sentence.</summary>
internal static class StoreRemedies
{
    public const string OwnQemu = "install QEMU (on Debian: the package qemu-system-x86) and have it on PATH or pass --qemu PATH";

    /// <summary>The remedy that fits what apt or the kernel said.</summary>
    public static string For(string said)
    {
        if (said.Contains("No space left on device", StringComparison.Ordinal) || said.Contains("enough free space", StringComparison.Ordinal))
        {
            return "The disk is full: free about 500 MB, or set XDG_CACHE_HOME to a folder on a larger disk.";
        }
        if (said.Contains("NO_PUBKEY", StringComparison.Ordinal) || said.Contains("not signed", StringComparison.Ordinal))
        {
            return "The signature does not fit this machine's keys: update the package debian-archive-keyring, or set "
                + $"{QemuStore.MirrorVariable} to another Debian mirror.";
        }
        return $"Check the network (http_proxy and apt's own proxy settings are honoured), set {QemuStore.MirrorVariable} to another Debian mirror, or {OwnQemu}.";
    }
}
