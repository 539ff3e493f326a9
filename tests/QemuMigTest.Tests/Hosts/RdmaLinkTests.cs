using System.Net;
using System.Net.Sockets;
using NUnit.Framework;
using QemuMigTest.Hosts;
using QemuMigTest.Tests.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Hosts;

public sealed class RdmaLinkTests
{
    [Test]
    public void Without_the_kernels_folder_there_is_no_link()
    {
        using var tree = new TempFolder();
        RdmaLink.ReadAll(tree.File("missing"), _ => []).ShouldBeEmpty();
    }

    [Test]
    public void A_link_is_a_device_with_an_active_port_and_has_its_interfaces_addresses()
    {
        using var tree = new TempFolder();
        Add(tree, "rxe0", "4: ACTIVE", "eth0");
        Add(tree, "rxe1", "1: DOWN", "eth1");
        var link = RdmaLink.ReadAll(tree.Path, network => network == "eth0" ? [IPAddress.Parse("10.0.0.1")] : []).ShouldHaveSingleItem();
        (link.Device, link.Interface).ShouldBe(("rxe0", "eth0"));
        link.HostOf(AddressFamily.InterNetwork).ShouldBe("10.0.0.1");
        link.HostOf(AddressFamily.InterNetworkV6).ShouldBeNull();
    }

    [TestCase("fd00::1", ExpectedResult = "[fd00::1]")]
    [TestCase("fe80::1%2", ExpectedResult = "[fe80::1%eth0]")]
    public string? An_IPv6_address_is_in_brackets_and_a_local_one_names_its_interface(string address) =>
        new RdmaLink("rxe0", "eth0", [IPAddress.Parse(address)]).HostOf(AddressFamily.InterNetworkV6);

    private static void Add(TempFolder tree, string device, string state, string network)
    {
        var port = Path.Combine(tree.Path, device, "ports", "1");
        Directory.CreateDirectory(Path.Combine(port, "gid_attrs", "ndevs"));
        File.WriteAllText(Path.Combine(port, "state"), state + "\n");
        File.WriteAllText(Path.Combine(port, "gid_attrs", "ndevs", "0"), network + "\n");
        File.WriteAllText(Path.Combine(port, "gid_attrs", "ndevs", "1"), network + "\n");
    }
}
