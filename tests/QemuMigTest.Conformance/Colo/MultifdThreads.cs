namespace QemuMigTest.Conformance.Colo;

/// <summary>The threads of multifd, by their names in QEMU.</summary>
internal static class MultifdThreads
{
    /// <summary>Whether a thread takes in what comes over one of multifd's channels (since 9.0 by this name).</summary>
    public static bool Receives(string name) => name.StartsWith("mig/dst/recv_", StringComparison.Ordinal);
}
