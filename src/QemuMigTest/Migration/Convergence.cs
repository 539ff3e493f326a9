using System.Text.Json.Nodes;

namespace QemuMigTest.Migration;

/// <summary>Whether a migration of a guest that writes all the time can come to its end.</summary>
public enum Convergence
{
    /// <summary>Unlimited bandwidth and a downtime of up to 300 s: it completes at the first chance. On a busy machine xbzrle sends so little at a time that QEMU foresees more than 30 s for what is left.</summary>
    Allowed,

    /// <summary>3 MB/s and 1 ms of downtime: it does not complete until it is let.</summary>
    Held,

    /// <summary>250 MB/s and 1 ms of downtime: pass follows pass, and it does not complete until it is let. Without a limit 1 ms may be
    /// enough for all that a guest has written whose vCPU had to wait for a busy machine.</summary>
    HeldFast,
}

/// <summary>The parameters that mean it.</summary>
internal static class ConvergenceParameters
{
    private const long HeldBandwidth = 3_000_000;
    private const long HeldFastBandwidth = 250_000_000;
    private const long HeldXbzrleBandwidth = 5_000_000;
    private const long HeldDowntime = 1;
    private const long AllowedDowntime = 300_000;

    public static JsonObject Of(Convergence convergence) => new()
    {
        ["max-bandwidth"] = convergence switch { Convergence.Held => HeldBandwidth, Convergence.HeldFast => HeldFastBandwidth, _ => 0 },
        ["downtime-limit"] = convergence == Convergence.Allowed ? AllowedDowntime : HeldDowntime,
    };

    /// <summary>xbzrle sends some 230 bytes of a page that it has kept and the guest has written to for 250 ms: of 63 MiB in 250 ms, as <see cref="Convergence.HeldFast"/> does of whole pages.</summary>
    public static JsonObject OfKeptPages() => new() { ["max-bandwidth"] = HeldXbzrleBandwidth };
}
