using NUnit.Framework;
using QemuMigTest.Binaries.Store;
using Shouldly;

namespace QemuMigTest.Tests.Store;

[TestFixture, CancelAfter(120_000)]
internal sealed class DebianMirrorTests : StoreFixture
{
    private const string Sources = "etc/apt/sources.list.d/debian.sources";

    [TestCase("Types: deb\nURIs: http://a.example/debian\nSuites: trixie\n", "http://a.example/debian", TestName = "The_address_of_a_stanza")]
    [TestCase("Types: deb\nURIs: http://a.example/d http://b.example/d\nSuites: trixie\n", "http://a.example/d", TestName = "The_first_of_several_addresses")]
    [TestCase("Types: deb\nURIs:\n http://a.example/d\n  http://b.example/d\nSuites: trixie\n", "http://a.example/d", TestName = "An_address_on_a_line_of_its_own")]
    [TestCase("types: deb\nuris: http://a.example/d\nsuites: trixie\n", "http://a.example/d", TestName = "Field_names_in_any_case")]
    [TestCase("Types: deb\n# URIs: http://old.example/d\nURIs: http://a.example/d\nSuites: trixie\n", "http://a.example/d", TestName = "A_comment_within_a_stanza")]
    [TestCase("# all\n\n\nTypes: deb\r\nURIs: http://a.example/d\r\nSuites: trixie\r\n", "http://a.example/d", TestName = "Comments_and_blank_lines_before_a_stanza")]
    [TestCase("Types: deb-src\nURIs: http://s.example/d\nSuites: x\n\nTypes: deb deb-src\nURIs: http://a.example/d\nSuites: x\n", "http://a.example/d", TestName = "A_stanza_of_sources_only_is_passed_over")]
    [TestCase("Enabled: no\nTypes: deb\nURIs: http://n.example/d\nSuites: x\n\nTypes: deb\nURIs: http://a.example/d\nSuites: x\n", "http://a.example/d", TestName = "A_disabled_stanza_is_passed_over")]
    [TestCase("Types: deb\nURIs: http://sec.example/d\nSuites: trixie-security\n\nTypes: deb\nURIs: http://a.example/d\nSuites: x\n", "http://a.example/d", TestName = "A_stanza_of_security_updates_is_passed_over")]
    [TestCase("Types: deb\nURIs: cdrom:[Debian]/\nSuites: x\n\nTypes: deb\nURIs: file:/srv/debian\nSuites: x\n", "file:/srv/debian", TestName = "A_CD_is_no_mirror")]
    [TestCase("", null, TestName = "An_empty_file_of_stanzas_names_no_mirror")]
    public void Stanzas_are_read(string text, string? expected) => DebianMirror.FromStanzas(text).ShouldBe(expected);

    [TestCase("deb http://a.example/debian trixie main\n", "http://a.example/debian", TestName = "A_line_without_options")]
    [TestCase("# deb http://o.example/d x main\ndeb-src http://s.example/d x main\ndeb [arch=amd64 signed-by=/k.gpg] http://a.example/d x main # mine\n", "http://a.example/d", TestName = "A_line_with_options_after_others")]
    [TestCase("deb\thttp://a.example/d\ttrixie\tmain", "http://a.example/d", TestName = "A_line_with_tabs")]
    [TestCase("deb cdrom:[Debian 12]/ bookworm main\ndeb http://sec.example/s bookworm-security main\ndeb http://a.example/d bookworm main\n", "http://a.example/d", TestName = "CD_and_security_lines_are_passed_over")]
    [TestCase("deb http://a.example/d\n\n", null, TestName = "A_line_without_a_suite_names_no_mirror")]
    public void Lines_are_read(string text, string? expected) => DebianMirror.FromLines(text).ShouldBe(expected);

    [Test]
    public void The_machines_own_stanzas_come_before_its_lines()
    {
        Write("etc/apt/sources.list", "deb http://lines.example/debian trixie main\n");
        DebianMirror.Find(Options).ShouldBe("http://mirror.example/debian");

        File.Delete(At(Sources));
        DebianMirror.Find(Options).ShouldBe("http://lines.example/debian");
    }

    [Test]
    public void The_variable_comes_before_all()
    {
        Variables[QemuStore.MirrorVariable] = "https://other.example/debian";
        DebianMirror.Find(Options).ShouldBe("https://other.example/debian");
    }

    [TestCase("deb http://x [trusted=yes]")]
    [TestCase("http://x/debian\ndeb http://y/debian")]
    [TestCase("somewhere")]
    public void A_variable_that_is_no_address_is_refused(string value)
    {
        Variables[QemuStore.MirrorVariable] = value;
        Should.Throw<QemuStoreException>(() => DebianMirror.Find(Options)).Message.ShouldContain(QemuStore.MirrorVariable);
    }

    [Test]
    public void Another_distributions_list_is_not_taken_for_Debians()
    {
        File.Delete(At(Sources));
        Write("etc/os-release", "NAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=debian\n");
        Write("etc/apt/sources.list", "deb http://ubuntu.example/ubuntu noble main\n");
        var message = Should.Throw<QemuStoreException>(() => DebianMirror.Find(Options)).Message;
        message.ShouldContain("no Debian");
        message.ShouldContain(QemuStore.MirrorVariable);
        message.ShouldContain("--qemu");
    }

    [Test]
    public void A_Debian_without_sources_names_the_variable()
    {
        File.Delete(At(Sources));
        var message = Should.Throw<QemuStoreException>(() => DebianMirror.Find(Options)).Message;
        message.ShouldContain(At(Sources));
        message.ShouldContain(QemuStore.MirrorVariable);
    }
}
