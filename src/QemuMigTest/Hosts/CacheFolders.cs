namespace QemuMigTest.Hosts;

/// <summary>Where fetched builds and what was probed of a build are kept: <c>$XDG_CACHE_HOME/qemu-mig-test</c>, or <c>~/.cache/qemu-mig-test</c>.</summary>
public static class CacheFolders
{
    /// <summary>The root of the cache; not necessarily there.</summary>
    public static string Root
    {
        get
        {
            var xdg = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            var cache = string.IsNullOrEmpty(xdg) || !Path.IsPathRooted(xdg)
                ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache")
                : xdg;
            return Path.Combine(cache, "qemu-mig-test");
        }
    }

    /// <summary>Fetched builds, a folder each.</summary>
    public static string Builds => Path.Combine(Root, "builds");

    /// <summary>What was probed of builds, a file each.</summary>
    public static string Probes => Path.Combine(Root, "probes");
}
