using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace QemuMigTest.Hosts;

/// <summary>An RDMA device with an active port, and the network interface whose addresses it is reached by.</summary>
/// <param name="Device">Its name, such as <c>rxe0</c>.</param>
/// <param name="Interface">The network interface, such as <c>eth0</c>.</param>
/// <param name="Addresses">The interface's addresses.</param>
public sealed record RdmaLink(string Device, string Interface, IReadOnlyList<IPAddress> Addresses)
{
    private const string Devices = "/sys/class/infiniband";
    private const string Active = "4:";

    /// <summary>The active links of this machine.</summary>
    public static IReadOnlyList<RdmaLink> ReadAll() => ReadAll(Devices, AddressesOf);

    /// <summary>The active links of a tree like that of /sys/class/infiniband.</summary>
    /// <param name="devices">The tree's root; it may be missing.</param>
    /// <param name="addressesOf">The addresses of a network interface.</param>
    public static IReadOnlyList<RdmaLink> ReadAll(string devices, Func<string, IReadOnlyList<IPAddress>> addressesOf) => !Directory.Exists(devices) ? [] :
    [
        .. from device in Directory.EnumerateDirectories(devices).Order(StringComparer.Ordinal)
           from port in Directory.EnumerateDirectories(Path.Combine(device, "ports"))
           where File.ReadAllText(Path.Combine(port, "state")).StartsWith(Active, StringComparison.Ordinal)
           from network in Interfaces(port)
           select new RdmaLink(Path.GetFileName(device), network, addressesOf(network)),
    ];

    /// <summary>The address of a family as a migration URI has it, or null when there is none: <c>10.0.0.1</c>, <c>[fd00::1]</c>, <c>[fe80::1%eth0]</c>.</summary>
    public string? HostOf(AddressFamily family) => Addresses.FirstOrDefault(address => address.AddressFamily == family) switch
    {
        null => null,
        { AddressFamily: AddressFamily.InterNetwork } plain => plain.ToString(),
        { IsIPv6LinkLocal: true } local => $"[{new IPAddress(local.GetAddressBytes())}%{Interface}]",
        var address => $"[{new IPAddress(address.GetAddressBytes())}]",
    };

    private static IEnumerable<string> Interfaces(string port)
    {
        var names = new HashSet<string>();
        foreach (var entry in Directory.EnumerateFiles(Path.Combine(port, "gid_attrs", "ndevs")))
        {
            try
            {
                names.Add(File.ReadAllText(entry).Trim());
            }
            catch (IOException)
            {
                // The kernel answers EINVAL for an entry that is not in use.
                continue;
            }
        }

        return names;
    }

    private static IReadOnlyList<IPAddress> AddressesOf(string network) =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces().Where(candidate => candidate.Name == network)
            .SelectMany(candidate => candidate.GetIPProperties().UnicastAddresses).Select(unicast => unicast.Address),
    ];
}
