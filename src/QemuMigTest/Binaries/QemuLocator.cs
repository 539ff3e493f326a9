using Mono.Unix.Native;
using QemuMigTest.Binaries.Store;
using QemuMigTest.Hosts;
using QemuMigTest.Processes;

namespace QemuMigTest.Binaries;

/// <summary>Finds the QEMUs to test. It runs none of them.</summary>
/// <remarks>
/// For each side, the first of: the option of that side; <c>--qemu</c>; <c>QTEST_QEMU_BINARY_SRC</c> or <c>_DST</c>; <c>QTEST_QEMU_BINARY</c>;
/// <c>qemu-system-x86_64</c> on PATH; the store, its default suite first, else its newest QEMU; and at last the default suite is fetched.
/// </remarks>
public static class QemuLocator
{
    /// <summary>The command that is looked for on PATH.</summary>
    public const string Command = "qemu-system-x86_64";

    /// <summary>Upstream's variable for both sides; <c>_SRC</c> and <c>_DST</c> are appended for one.</summary>
    public const string BinaryVariable = "QTEST_QEMU_BINARY";

    /// <summary>Set to anything but 0, it forbids to fetch.</summary>
    public const string NoFetchVariable = "QEMU_MIG_TEST_NO_FETCH";

    /// <summary>Finds both sides; fetches what is named or needed and not there.</summary>
    /// <exception cref="QemuStartException">What was given is not there, or is nothing to execute; or nothing was found and fetching is forbidden.</exception>
    /// <exception cref="QemuStoreException">Nothing was found, and the fetch failed.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public static async Task<QemuPair> LocateAsync(QemuLocatorRequest request, IProgress<StoreProgress>? progress, CancellationToken ct)
    {
        var (source, sourceFrom) = await SideAsync(request, request.Source, "--src", "_SRC", progress, ct);
        var (destination, destinationFrom) = await SideAsync(request, request.Destination, "--dst", "_DST", progress, ct);
        return new(source, sourceFrom, destination, destinationFrom);
    }

    private static async Task<(QemuLaunch Launch, string From)> SideAsync(
        QemuLocatorRequest request, string? side, string option, string suffix, IProgress<StoreProgress>? progress, CancellationToken ct)
    {
        foreach (var (given, from) in new[] { (side, option), (request.Qemu, "--qemu") })
        {
            if (given is null) continue;
            if (QemuStore.Suite(given) is { } suite) return (await StoredAsync(request, suite, from, progress, ct), from);
            return (Binary(request, given, from), from);
        }
        foreach (var variable in new[] { BinaryVariable + suffix, BinaryVariable })
        {
            if (request.Environment(variable) is { Length: > 0 } given) return (Binary(request, given, variable), variable);
        }
        if (ExecutableSearch.Find(Command, SearchPath(request)) is { } found) return (QemuLaunch.OfBinary(found), "PATH");

        var stored = InStore(request.Store);
        return stored is null
            ? (await StoredAsync(request, QemuStore.DefaultSuite, null, progress, ct), $"store {QemuStore.DefaultSuite}, fetched for this run")
            : (stored.Launch, $"store {stored.Suite}");
    }

    private static StoredQemu? InStore(QemuStore store)
    {
        var whole = store.List().Where(build => build.Damage is null).ToList();
        return whole.Find(build => build.Suite == QemuStore.DefaultSuite)
            ?? whole.MaxBy(build => Version.TryParse(build.Version, out var version) ? version : new Version());
    }

    private static async Task<QemuLaunch> StoredAsync(
        QemuLocatorRequest request, QemuSuite suite, string? from, IProgress<StoreProgress>? progress, CancellationToken ct)
    {
        if (request.Store.Find(suite.Name) is { Damage: null } stored) return stored.Launch;
        if (request.Environment(NoFetchVariable) is not (null or "" or "0"))
        {
            var wanted = from is null
                ? $"No QEMU was named, {Command} is not on PATH, and the store in {request.Store.Root} is empty"
                : $"{from} names {suite} of the store, which is not in {request.Store.Root}";
            throw new QemuStartException($"{wanted}; {NoFetchVariable} forbids to fetch it. Unset that, or {StoreRemedies.OwnQemu}.");
        }
        return (await request.Store.FetchAsync(suite, progress, ct)).Launch;
    }

    private static QemuLaunch Binary(QemuLocatorRequest request, string given, string from)
    {
        if (string.IsNullOrWhiteSpace(given)) throw new QemuStartException($"{from} is empty: give it the path of a QEMU, or leave it out.");
        if (!given.Contains('/', StringComparison.Ordinal))
        {
            var found = ExecutableSearch.Find(given, SearchPath(request)) ?? throw new QemuStartException(NoSuchCommand(given, from));
            return QemuLaunch.OfBinary(found) with { Name = given };
        }
        return WhatIsWrong(given) is { } wrong ? throw new QemuStartException($"{from}: {given} {wrong}") : QemuLaunch.OfBinary(given);
    }

    private static string? WhatIsWrong(string path)
    {
        if (Directory.Exists(path))
        {
            var inner = Path.Combine(path, Command);
            return File.Exists(inner) ? $"is a folder; did you mean {inner}?" : "is a folder; give the path of the QEMU itself.";
        }
        // Not File.Exists: that is true of a link to nothing.
        if (Syscall.access(path, AccessModes.F_OK) != 0)
        {
            if (Stdlib.GetLastError() == Errno.EACCES) return "cannot be reached: this user may not enter a folder on the way to it.";
            return new FileInfo(path).LinkTarget is { } target ? $"is a link to {target}, which does not exist." : "does not exist.";
        }
        return ExecutableSearch.IsExecutable(path) ? null : $"is not executable; if it is a QEMU: chmod +x {path}";
    }

    private static string NoSuchCommand(string given, string from)
    {
        return $"{from}: no executable `{given}` was found on PATH. {Hint()}";

        string Hint()
        {
            var isOption = from.StartsWith('-');
            if (QemuStore.Suite(given) is not null) return $"{from} can only name a path; for {given} of the store pass --qemu, --src or --dst.";
            if (File.Exists(given)) return $"There is one in this folder: did you mean ./{given}?";
            if (!isOption) return "Give the path of a QEMU.";
            return QemuStore.NearestSuite(given) is { } near
                ? $"Did you mean {near} of the store?"
                : $"Give a path, a command on PATH, or one of the store: {string.Join(", ", QemuStore.Suites)}.";
        }
    }

    private static string? SearchPath(QemuLocatorRequest request) => request.SearchPath ?? request.Environment("PATH");
}
