using NUnit.Framework;
using QemuMigTest.Processes;
using QemuMigTest.Tests.Processes;
using QemuMigTest.Tls;
using Shouldly;

namespace QemuMigTest.Tests.Tls;

public sealed class TlsCredentialsTests
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly TempFolder _temp = new();
    private readonly TlsAuthority _authority = new();
    private ScratchDirectory _folder = null!;

    [SetUp]
    public void Begin() => _folder = ScratchDirectory.CreateRoot(_temp.File(""));

    [TearDown]
    public void End()
    {
        _folder.Dispose();
        _temp.Dispose();
    }

    [Test]
    public void A_server_with_a_certificate_lets_in_one_client()
    {
        var credentials = new X509Credentials(new("server")) { AllowedIdentity = "CN=friend,O=Friends" };
        var told = credentials.Prepare(TlsEndpoint.Server, _authority, _folder);

        told.CommandLine.Arguments.ShouldBe([
            "-object", $"tls-creds-x509,id=tls0,endpoint=server,dir={_folder.Path},sanity-check=on,verify-peer=on",
            "-object", "authz-simple,id=authz0,identity=CN=friend,,O=Friends"]);
        told.Parameters.ToJsonString().ShouldBe("""{"tls-creds":"tls0","tls-authz":"authz0"}""");
        Files().ShouldBe(["ca-cert.pem", "server-cert.pem", "server-key.pem"]);
    }

    [Test]
    public void A_client_without_a_certificate_has_only_that_of_the_authority()
    {
        var told = new X509Credentials(Subject: null, VerifiesPeer: false) { Hostname = "destination.example" }.Prepare(TlsEndpoint.Client, _authority, _folder);

        told.CommandLine.Arguments[1].ShouldEndWith(",sanity-check=on,verify-peer=off");
        told.Parameters.ToJsonString().ShouldBe("""{"tls-creds":"tls0","tls-hostname":"destination.example"}""");
        Files().ShouldBe(["ca-cert.pem"]);
    }

    [Test]
    public void A_shared_key_is_written_for_the_name_that_the_client_gives()
    {
        var told = new PskCredentials("one").Prepare(TlsEndpoint.Client, _authority, _folder);

        told.CommandLine.Arguments.ShouldBe(["-object", $"tls-creds-psk,id=tls0,endpoint=client,dir={_folder.Path},username=qemu"]);
        File.ReadAllText(_folder.File("keys.psk")).ShouldBe($"qemu:{_authority.SharedKey("one")}\n");
    }

    [Test]
    public void Nobody_else_can_read_the_files()
    {
        new X509Credentials(new("client")).Prepare(TlsEndpoint.Client, _authority, _folder);
        new PskCredentials().Prepare(TlsEndpoint.Client, _authority, _folder);

        Directory.GetFiles(_folder.Path).Select(File.GetUnixFileMode).ShouldBe(Enumerable.Repeat(OwnerOnly, 4));
    }

    private IEnumerable<string?> Files() => Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
