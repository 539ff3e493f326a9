using QemuMigTest.Migration;

namespace QemuMigTest.Oracles;

/// <summary>How the numbers of a completed migration must agree: with each other, with the clock, and with what was turned on.</summary>
/// <remarks>docs/oracles.md says why each tolerance is what it is.</remarks>
internal static class AccountRules
{
    /// <summary>Device state, headers and ROMs; below 300 KB on each QEMU seen.</summary>
    private const long OtherState = 1024 * 1024;

    // Nobody writes to most of what is behind the guest's region: 28 MiB at least, or 7168 pages.
    private const long LeastZeroPages = 1000;

    /// <summary>What is in the buffers of two channels at most, with TLS's; 64 KB seen.</summary>
    private const long LostWithChannels = 512 * 1024;

    /// <summary>A page's header: address and flags, the block's name now and then.</summary>
    private const double HeaderShare = 0.02;

    private const long ZeroPageBytes = 16;

    /// <summary>What each page that is sent has at least: its address.</summary>
    private const long AddressBytes = 8;

    /// <summary>What compress writes before a page, the block's name and the length among it.</summary>
    private const long CompressedHeader = 64;

    /// <summary>How late a thread may be woken, or an event be told, ms, where no more threads want a processor than there are processors.</summary>
    public const double ClockSlack = 150;

    /// <summary>The same, as a share of what is measured.</summary>
    public const double ClockShare = 0.15;

    /// <summary>A downtime that the clock shows and that may not be called none, ms.</summary>
    private const double SurelyDown = 20;

    /// <summary>All that does not hold.</summary>
    public static IEnumerable<string> Check(MigrationAccount account) =>
        [.. Pages(account), .. Bytes(account), .. Times(account), .. Effects(account)];

    private static IEnumerable<string> Pages(MigrationAccount a)
    {
        var (normal, duplicate, pageSize, total) = (a.Ram("normal"), a.Ram("duplicate"), a.Ram("page-size"), a.Ram("total"));
        if (a.Ram("remaining") != 0)
        {
            yield return $"remaining is {a.Ram("remaining")} after completion; it must be 0";
        }

        if (pageSize != 4096)
        {
            yield return $"page-size is {pageSize}; it must be 4096 on this machine";
        }

        if (a.Ram("normal-bytes") != normal * pageSize)
        {
            yield return $"normal-bytes is {a.Ram("normal-bytes")}; it must be normal × page-size = {normal} × {pageSize}";
        }

        if (total < a.GuestRam)
        {
            yield return $"total is {total}, less than the guest's RAM of {a.GuestRam} bytes";
        }

        var sent = normal + duplicate + a.Xbzrle("pages") + a.Compression("pages");
        if (sent * 4096 < total - a.UnsentBytes)
        {
            yield return $"normal {normal}, duplicate {duplicate}, xbzrle {a.Xbzrle("pages")} and compression {a.Compression("pages")} make {sent} pages; total {total} is {total / 4096}, and each page{(a.UnsentBytes == 0 ? "" : $" but the {a.UnsentBytes / 4096} that need not be")} must be sent once at least";
        }

        // Counted over 100 ms at least.
        if (a.Ram("pages-per-second") > sent * 10)
        {
            yield return $"pages-per-second is {a.Ram("pages-per-second")}; {sent} pages were sent in all, and it is counted over 100 ms or more";
        }

        if (sent * 4096 > total * a.Ram("dirty-sync-count") && !a.IsPostcopy && a.XbzrleIsOwn)
        {
            yield return $"normal {normal}, duplicate {duplicate}, xbzrle {a.Xbzrle("pages")} and compression {a.Compression("pages")} make {sent} pages; more than all {total / 4096} in each of {a.Ram("dirty-sync-count")} passes";
        }
    }

    private static IEnumerable<string> Bytes(MigrationAccount a)
    {
        var (transferred, multifd) = (a.Ram("transferred"), a.Ram("multifd-bytes"));
        var parts = multifd + a.Ram("precopy-bytes") + a.Ram("downtime-bytes") + a.Ram("postcopy-bytes");
        var most = a.Version.IsAtLeast(8, 0) ? OtherState : 0;
        // A page is counted when it is written into a channel's buffer; what was there when postcopy's channels broke was never transferred.
        var least = a.Saw(MigrationStatus.PostcopyPaused) ? -LostWithChannels : 0;
        if (transferred - parts is var other && (other < least || other > most))
        {
            yield return $"transferred is {transferred}; precopy-, downtime-, postcopy- and multifd-bytes make {parts}; what is between, device state, must be {least} to {most} bytes";
        }

        var content = a.Ram("normal-bytes") + a.Xbzrle("bytes") + a.Compression("compressed-size");
        var compressed = a.IsCompressed && a.Version.IsAtLeast(8, 0);
        var leastContent = a.XbzrleIsOwn ? content : content - a.Xbzrle("bytes");
        if (!compressed && transferred < leastContent)
        {
            yield return $"transferred is {transferred}, less than the {leastContent} bytes of pages in it (normal-bytes and xbzrle's)";
        }

        // A file with mapped-ram has a bit for each page; xbzrle counts pages that it does not send, for nobody has changed them.
        var counted = a.Ram("normal") + a.Ram("duplicate");
        var leastParts = (compressed ? 0 : leastContent) + (counted * AddressBytes) + least;
        if (a.Version.IsAtLeast(8, 0) && !a.On("mapped-ram") && parts < leastParts)
        {
            yield return $"precopy-, downtime-, postcopy- and multifd-bytes make {parts}; the {counted} pages that are counted, with their addresses, make {leastParts} at least (normal {a.Ram("normal")}, duplicate {a.Ram("duplicate")})";
        }

        var highest = (long)(content * (1 + HeaderShare)) + ((a.Ram("duplicate") + a.Xbzrle("pages")) * ZeroPageBytes) + (a.Compression("pages") * CompressedHeader) + OtherState;
        if (transferred > highest)
        {
            yield return $"transferred is {transferred}; its pages, {content} bytes, with their headers, {a.Ram("duplicate")} zero pages and device state explain {highest} at most";
        }

        if (compressed && transferred > a.Ram("normal-bytes") && content > OtherState)
        {
            yield return $"transferred is {transferred} and normal-bytes {a.Ram("normal-bytes")}; multifd-compression is on and must have made this guest's pages smaller";
        }

        if (a.FileBytes is { } file && Math.Abs(file - transferred) > OtherState)
        {
            yield return $"transferred is {transferred}, and the file holds {file} bytes";
        }
    }

    private static IEnumerable<string> Times(MigrationAccount a)
    {
        var (total, setup, downtime) = (a.Number("total-time") ?? -1, a.Number("setup-time") ?? -1, a.Number("downtime") ?? -1);
        if (total < 0 || setup < 0 || downtime < 0)
        {
            yield return $"total-time is {total}, setup-time {setup}, downtime {downtime}: each must be there after completion";
            yield break;
        }

        var away = a.IsPostcopy ? Milliseconds(Earlier(a.Stopped, a.TimeOf(MigrationStatus.PostcopyActive)), a.Resumed) : null;
        downtime = IsUptime(a, downtime) ? 0 : downtime;
        // The clock is read for downtime after it was read for total-time.
        if (setup > total || downtime > total + a.ClockSlack)
        {
            yield return $"total-time is {total} ms, less than setup-time {setup} or downtime {downtime}";
        }

        var started = a.TimeOf(MigrationStatus.Setup);
        var completed = a.TimeOf(MigrationStatus.Completed);
        if (Milliseconds(started, completed) is { } clock && a.IsOff(total, clock))
        {
            yield return $"total-time is {total} ms; by its events from setup to completed it took {clock:F0} ms";
        }

        if (Milliseconds(started, a.TimeOf(MigrationStatus.Active)) is { } connecting && setup > connecting + a.ClockSlack)
        {
            yield return $"setup-time is {setup} ms; by its events it was active after {connecting:F0} ms";
        }

        if ((a.On("return-path") || a.IsPostcopy) && completed is { } told && a.Arrived is { } arrived && told < arrived)
        {
            yield return $"it said completed at {told:HH:mm:ss.ffffff}, before the destination did at {arrived:HH:mm:ss.ffffff}; by the return path it knows that, and waits for it";
        }

        // In postcopy the guest goes on elsewhere while this side has yet to complete.
        var end = a.IsPostcopy ? null : completed;
        // QEMU counts from when it decides, and a vCPU that waits for a processor stops when it has one: STOP comes after that.
        if (Milliseconds(a.Stopped, end) is { } down && (a.IsOff(downtime, down) || (downtime == 0 && down > SurelyDown))
            && !(Milliseconds(a.EarliestStop, end) is { } most && downtime > down && (downtime <= most || !a.IsOff(downtime, most))))
        {
            yield return $"downtime is {downtime} ms; by its events from STOP to completed it was {down:F0} ms";
        }

        if (away is { } gone && downtime > Math.Max(0, gone) * (1 + ClockShare) + a.ClockSlack && !IsWholePostcopy(a, downtime, gone, Milliseconds(a.Stopped, completed)))
        {
            yield return $"downtime is {downtime} ms; by the events of both sides the guest ran again after {gone:F0} ms";
        }

        if (a.Info.GetProperty("ram").TryGetProperty("mbps", out var mbps) && total > setup)
        {
            var bytes = mbps.GetDouble() * 1000 / 8 * (total - setup);
            var transferred = a.Ram("transferred");
            // To 7.2 it counts from the channel of the last recovery on, and not what goes over preempt's.
            var counted = (a.Saw(MigrationStatus.PostcopyPaused) || (a.IsPostcopy && a.On("postcopy-preempt"))) && !a.Version.IsAtLeast(8, 0) ? 0 : transferred;
            if (bytes < counted * 0.98 || bytes > (transferred * 1.02) + OtherState)
            {
                yield return $"mbps is {mbps.GetDouble():F1}, which makes {bytes:F0} bytes in {total - setup} ms (total-time without setup-time); transferred is {transferred}";
            }
        }
    }

    private static IEnumerable<string> Effects(MigrationAccount a)
    {
        foreach (var (capability, shown, what) in new[]
        {
            ("pause-before-switchover", a.Saw(MigrationStatus.PreSwitchover), "status pre-switchover"),
            ("xbzrle", a.Info.TryGetProperty("xbzrle-cache", out _), "xbzrle-cache"),
            ("multifd", a.Ram("multifd-bytes") > 0, "multifd-bytes"),
        })
        {
            // Without RAM to send multifd has nothing to do, and in postcopy there is no pause.
            var mustShow = a.On(capability) && (capability != "multifd" || a.Ram("normal") > 0) && (capability != "pause-before-switchover" || !a.IsPostcopy);
            if (mustShow && !shown)
            {
                yield return $"capability {capability} is on, and there was no {what}";
            }

            if (!a.On(capability) && shown)
            {
                yield return $"capability {capability} is off, and there was {what}";
            }
        }

        foreach (var (capability, shown, what) in new[]
        {
            ("postcopy-ram", a.IsPostcopy, "status postcopy-active"),
            ("zero-copy-send", a.Ram("dirty-sync-missed-zero-copy") > 0, "dirty-sync-missed-zero-copy"),
            ("x-colo", a.Saw(MigrationStatus.Colo), "status colo"),
        })
        {
            if (!a.On(capability) && shown)
            {
                yield return $"capability {capability} is off, and there was {what}";
            }
        }

        if (!a.IsPostcopy && (a.Ram("postcopy-requests") > 0 || a.Ram("postcopy-bytes") > 0))
        {
            yield return $"there was no postcopy; postcopy-requests is {a.Ram("postcopy-requests")}, postcopy-bytes {a.Ram("postcopy-bytes")}";
        }

        if (a.StoodStill && a.Ram("precopy-bytes") > 0)
        {
            yield return $"precopy-bytes is {a.Ram("precopy-bytes")}; the guest was stopped all the time, and what is sent then counts as downtime-bytes";
        }

        if (a.IsPostcopy && a.GuestRam > 0 && a.Ram("postcopy-bytes") == 0)
        {
            yield return "there was postcopy, and postcopy-bytes is 0";
        }

        if (a.Info.TryGetProperty("xbzrle-cache", out var cache) && a.Parameters.TryGetProperty("xbzrle-cache-size", out var wanted) && cache.GetProperty("cache-size").GetInt64() != wanted.GetInt64())
        {
            yield return $"xbzrle-cache's cache-size is {cache.GetProperty("cache-size").GetInt64()}; parameter xbzrle-cache-size is {wanted.GetInt64()}";
        }

        // In postcopy no channel of multifd's looks at the pages any more.
        var leastZeroPages = a.On("multifd") && a.IsPostcopy ? 1 : LeastZeroPages;
        var looksForZeros = !a.Parameters.TryGetProperty("zero-page-detection", out var detection) || detection.GetString() != "none";
        if (a.GuestRam > 0 && (looksForZeros ? a.Ram("duplicate") < leastZeroPages : a.Ram("duplicate") > 0))
        {
            yield return $"duplicate is {a.Ram("duplicate")}; zero pages {(looksForZeros ? "are looked for, and this guest has many" : "are not looked for")}";
        }

        // Compressed pages are fewer bytes, and xbzrle's and postcopy's go the way of the other pages.
        var overChannels = a.On("multifd") && !a.On("xbzrle") && !a.IsPostcopy
            && (!a.Parameters.TryGetProperty("multifd-compression", out var compression) || compression.GetString() == "none");
        if (overChannels && a.Ram("multifd-bytes") < a.Ram("normal-bytes"))
        {
            yield return $"capability multifd is on, and multifd-bytes is {a.Ram("multifd-bytes")}, less than the pages of normal-bytes, {a.Ram("normal-bytes")}";
        }

        if (a.Info.TryGetProperty("cpu-throttle-percentage", out var throttle) && throttle.GetInt64() > 0)
        {
            yield return $"cpu-throttle-percentage is {throttle.GetInt64()} after completion";
        }
    }

    /// <summary>A downtime of 0 ms QEMU takes for none yet, and sets it again when postcopy has completed (docs/findings.md).</summary>
    private static bool IsWholePostcopy(MigrationAccount a, double downtime, double away, double? whole) => away < a.ClockSlack && whole is { } postcopy && !a.IsOff(downtime, postcopy);

    /// <summary>The same before 8.2, where a postcopy notes no time from which its downtime counts: it counts from the host's start (docs/findings.md).</summary>
    private static bool IsUptime(MigrationAccount a, double downtime) =>
        a.IsPostcopy && !a.Version.IsAtLeast(8, 2) && Milliseconds(a.ClockZero, a.TimeOf(MigrationStatus.Completed)) is { } uptime && Math.Abs(downtime - uptime) < a.ClockSlack;

    private static double? Milliseconds(DateTimeOffset? from, DateTimeOffset? to) => from is { } start && to is { } end ? (end - start).TotalMilliseconds : null;

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one < other ? one : other ?? one;
}
