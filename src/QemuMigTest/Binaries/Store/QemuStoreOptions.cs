using QemuMigTest.Hosts;

namespace QemuMigTest.Binaries.Store;

/// <summary>Where the store is and what of this machine it uses.</summary>
public sealed record QemuStoreOptions
{
    /// <summary>The folder that holds the builds, absolute; made by the first fetch.</summary>
    public string Root { get; init; } = CacheFolders.Builds;

    /// <summary>Where apt's settings are; only the mirror is taken from its sources.</summary>
    public string AptFolder { get; init; } = "/etc/apt";

    /// <summary>Tells which distribution this is.</summary>
    public string OsRelease { get; init; } = "/etc/os-release";

    /// <summary>The keys that the package lists must be signed with.</summary>
    public string Keyring { get; init; } = "/usr/share/keyrings/debian-archive-keyring.gpg";

    /// <summary>Looks up PATH (for apt-get, apt-config and dpkg-deb) and <see cref="QemuStore.MirrorVariable"/>.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>Dates what is fetched.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
