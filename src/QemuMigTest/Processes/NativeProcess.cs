using System.Runtime.InteropServices;

namespace QemuMigTest.Processes;

/// <summary>The calls of the C library that start, reap and trace processes and that neither .NET nor Mono.Posix has.</summary>
internal static unsafe partial class NativeProcess
{
    internal const short SetProcessGroup = 0x02;
    internal const short SetSignalDefault = 0x04;
    internal const short SetSignalMask = 0x08;

    // glibc on x86-64 needs 80, 336 and 128 bytes; more does no harm.
    internal const int FileActionsSize = 256;
    internal const int AttributesSize = 512;
    internal const int SignalSetSize = 128;

    internal const int WaitForPid = 1;
    internal const int WaitExited = 0x4;
    internal const int WaitNoReap = 0x01000000;

    // Threads as well.
    internal const int WaitAll = 0x40000000;
    internal const int Interrupted = 4;

    internal const int PtraceSeize = 0x4206;
    internal const int PtraceInterrupt = 0x4207;
    internal const int PtraceDetach = 17;

    [LibraryImport("libc")]
    internal static partial int posix_spawn(out int pid, byte* path, void* fileActions, void* attributes, byte** argv, byte** envp);

    [LibraryImport("libc")]
    internal static partial int posix_spawn_file_actions_init(void* fileActions);

    [LibraryImport("libc")]
    internal static partial int posix_spawn_file_actions_destroy(void* fileActions);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int posix_spawn_file_actions_addopen(void* fileActions, int fd, string path, int flags, uint mode);

    [LibraryImport("libc")]
    internal static partial int posix_spawn_file_actions_adddup2(void* fileActions, int fd, int newFd);

    [LibraryImport("libc")]
    internal static partial int posix_spawn_file_actions_addclosefrom_np(void* fileActions, int from);

    [LibraryImport("libc")]
    internal static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport("libc")]
    internal static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport("libc")]
    internal static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport("libc")]
    internal static partial int posix_spawnattr_setpgroup(void* attributes, int group);

    [LibraryImport("libc")]
    internal static partial int posix_spawnattr_setsigdefault(void* attributes, void* set);

    [LibraryImport("libc")]
    internal static partial int posix_spawnattr_setsigmask(void* attributes, void* set);

    [LibraryImport("libc")]
    internal static partial int sigemptyset(void* set);

    [LibraryImport("libc")]
    internal static partial int sigaddset(void* set, int signal);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int waitid(int idType, int id, void* info, int options);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int wait4(int pid, out int status, int options, out ResourceUsage usage);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int kill(int pid, int signal);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint ptrace(nint request, int pid, nint address, nint data);

    /// <summary>struct rusage of Linux on x86-64.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct ResourceUsage
    {
        public long UserSeconds;
        public long UserMicroseconds;
        public long SystemSeconds;
        public long SystemMicroseconds;
        public long MaxResidentKiB;
        private fixed long _rest[13];
    }
}
