using NUnit.Framework;
using QemuMigTest.Binaries.Store;
using Shouldly;

namespace QemuMigTest.Tests.Store;

[TestFixture, CancelAfter(120_000)]
internal sealed class AptWorkspaceTests
{
    [Test]
    public void A_backport_needs_its_release_too_and_both_are_signed() =>
        AptWorkspace.SourcesList(QemuStore.Suite("trixie-backports")!, "http://mirror.example/debian", "/k.gpg").ShouldBe(
            "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian trixie main\n"
            + "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian trixie-backports main\n");

    [Test]
    public void Of_a_mirror_on_disk_archives_are_copied() =>
        AptWorkspace.SourcesList(QemuStore.Suite("trixie")!, "file:/srv/debian", "/k.gpg").ShouldBe("deb [arch=amd64 signed-by=/k.gpg] copy:/srv/debian trixie main\n");

    [Test]
    public void Of_the_machines_settings_only_how_to_reach_a_mirror_is_kept()
    {
        var settings = AptWorkspace.Settings("/w", """
            Acquire::http::Proxy "http://proxy.example:3128";
            acquire::https::CaInfo "/ca.pem";
            Acquire::Check-Valid-Until "false";
            Acquire::AllowInsecureRepositories "1";
            APT::Get::AllowUnauthenticated "1";
            APT::Default-Release "stable";
            APT::Update::Post-Invoke:: "rm -rf /";
            Dir::State::status "/var/lib/dpkg/status";
            """);
        settings.ShouldContain("Acquire::http::Proxy \"http://proxy.example:3128\";");
        settings.ShouldContain("acquire::https::CaInfo \"/ca.pem\";");
        settings.ShouldContain("Acquire::Check-Valid-Until \"false\";");
        settings.ShouldContain("Acquire::AllowInsecureRepositories \"0\";");
        settings.ShouldContain("APT::Get::AllowUnauthenticated \"0\";");
        settings.ShouldNotContain("\"1\";\nAPT");
        settings.ShouldNotContain("Default-Release");
        settings.ShouldNotContain("Post-Invoke");
        settings.ShouldNotContain("/var/");
    }

    [Test]
    public void Archives_are_read_from_what_apt_prints()
    {
        var archives = AptArchive.Parse("""
            Reading package lists...
            'http://mirror.example/pool/q.deb' qemu-system-x86_1%3a11.1.3+ds-1~bpo13+1_amd64.deb 10377056 SHA256:abc
            'http://mirror.example/pool/s.deb' seabios_1.17.0-1_all.deb 160548 
            """);
        archives.Select(archive => (archive.Package, archive.Version, archive.Architecture, archive.Size)).ShouldBe(
        [
            ("qemu-system-x86", "1:11.1.3+ds-1~bpo13+1", "amd64", 10377056L),
            ("seabios", "1.17.0-1", "all", 160548L),
        ]);
    }
}
