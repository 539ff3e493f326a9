using NUnit.Framework;
using QemuMigTest.Binaries;
using QemuMigTest.NUnit.Requirements;
using QemuMigTest.Qmp;
using QemuMigTest.Tests.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Binaries;

public sealed class TlsProbeTests : ScriptedQmpFixture
{
    private const string NoGnuTls = "TLS credentials support requires GNUTLS";

    [Test]
    public async Task A_build_that_looks_for_the_files_of_credentials_has_TLS()
    {
        var probing = ProbeAsync();
        var command = await Peer.ReadCommandAsync();
        var folder = command.GetProperty("arguments").GetProperty("dir").GetString();
        Directory.Exists(folder).ShouldBeFalse();
        await Peer.RefuseAsync(command, "GenericError", $"Unable to access credentials {folder}/keys.psk: Not a directory");

        (await probing).ShouldBeNull();
    }

    [Test]
    public async Task A_build_that_makes_credentials_of_nothing_is_not_believed()
    {
        var probing = ProbeAsync();
        await Peer.AnswerAsync("object-add");

        (await probing).ShouldNotBeNull().ShouldContain("no file can be");
    }

    [Test]
    public async Task A_build_that_makes_none_has_no_TLS_and_its_reason_is_kept()
    {
        var probing = ProbeAsync();
        await Peer.RefuseAsync(await Peer.ReadCommandAsync(), "GenericError", NoGnuTls);

        (await probing).ShouldBe(NoGnuTls);
    }

    [Test]
    public async Task A_build_that_ends_during_it_is_an_error()
    {
        var probing = ProbeAsync();
        await Peer.ReadCommandAsync();
        Peer.Dispose();

        await Should.ThrowAsync<QmpException>(() => probing);
    }

    [Test]
    public void A_side_without_TLS_is_named_with_its_reason()
    {
        var with = Builds.Of(10, 0);
        var without = Builds.Of(9, 2) with { TlsError = NoGnuTls };

        new RequiresTlsAttribute().Check(Builds.Pair(with, with)).ShouldBeNull();
        new RequiresTlsAttribute().Check(Builds.Pair(with, without)).ShouldBe(
            new MissingRequirement($"destination {without} without it", $"object-add of TLS credentials says: {NoGnuTls}"));
    }

    private Task<string?> ProbeAsync() => TlsProbe.AskAsync((command, arguments) => Client.ExecuteAsync(command, arguments, ScriptedQmpPeer.Deadline()));
}
