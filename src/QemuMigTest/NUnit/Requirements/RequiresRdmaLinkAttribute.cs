using System.Net.Sockets;
using QemuMigTest.Hosts;
using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs an RDMA link with an address of a family, and leave to lock memory.</summary>
/// <param name="family">InterNetwork or InterNetworkV6.</param>
public sealed class RequiresRdmaLinkAttribute(AddressFamily family) : RequirementAttribute
{
    private const string Remedy = "make one: rdma link add rxe0 type rxe netdev NAME, NAME being an interface with such an address and not lo; modules rdma_rxe and rdma_ucm";

    /// <inheritdoc/>
    public override string Wanted => $"an RDMA link with an {(family == AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4")} address";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment)
    {
        var links = RdmaLink.ReadAll();
        return links.All(link => link.HostOf(family) is null)
            ? new MissingRequirement(links.Count == 0 ? "no active device in /sys/class/infiniband" : $"{string.Join(", ", links.Select(link => $"{link.Device} on {link.Interface}"))} without one", Remedy)
            : LockedMemory.WhyLimited() is { } limit ? new MissingRequirement(limit, "RDMA locks the guest's RAM: ulimit -l unlimited, or root") : null;
    }
}
