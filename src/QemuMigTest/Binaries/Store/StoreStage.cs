namespace QemuMigTest.Binaries.Store;

/// <summary>What a fetch is doing. Downloading and unpacking overlap.</summary>
public enum StoreStage
{
    /// <summary>Another process fetches the same suite; nothing to count.</summary>
    Waiting,

    /// <summary>Package lists are fetched and their signatures checked; nothing to count.</summary>
    Lists,

    /// <summary>Packages are downloaded; counted in bytes.</summary>
    Download,

    /// <summary>Packages are unpacked; counted in packages.</summary>
    Unpack,

    /// <summary>The QEMU is run once; nothing to count.</summary>
    Check,

    /// <summary>The build is in place; nothing to count.</summary>
    Done,
}
