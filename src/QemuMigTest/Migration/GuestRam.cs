namespace QemuMigTest.Migration;

/// <summary>What the guest's RAM is made of.</summary>
public enum GuestRam
{
    /// <summary>Memory of each QEMU's own: QEMU's default.</summary>
    Anonymous,

    /// <summary>One file in /dev/shm that both QEMUs map (memory-backend-file, share=on). It has lost its name once both have started.</summary>
    SharedFile,

    /// <summary>A memfd of each QEMU's own (memory-backend-memfd, share=on), which CPR hands from one to the other.</summary>
    Memfd,

    /// <summary>Memory of each QEMU's own that it could share with its children (memory-backend-ram, share=on).</summary>
    SharedAnonymous,

    /// <summary>A file of each QEMU's own without a name, of which it changes a copy of its own (memory-backend-file, share=off).</summary>
    PrivateFile,

    /// <summary>Huge pages of 2 MiB of the host's, in a memfd of each QEMU's own (memory-backend-memfd, hugetlb=on).</summary>
    HugePages,
}
