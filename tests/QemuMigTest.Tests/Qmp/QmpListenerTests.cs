using System.Net.Sockets;
using Mono.Unix.Native;
using NUnit.Framework;
using QemuMigTest.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Qmp;

public sealed class QmpListenerTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("qmp").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task A_peer_connects_and_the_path_is_gone_afterwards()
    {
        var path = Path.Combine(_folder, "s");
        var listener = QmpListener.Bind(path);
        using var peer = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await peer.ConnectAsync(new UnixDomainSocketEndPoint(path), ScriptedQmpPeer.Deadline());
        using var accepted = await listener.AcceptAsync(ScriptedQmpPeer.Deadline());
        listener.Path.ShouldBe(path);

        await listener.DisposeAsync();
        Path.Exists(path).ShouldBeFalse();
        await listener.DisposeAsync();

        await accepted.SendAsync("x"u8.ToArray(), ScriptedQmpPeer.Deadline());
        (await peer.ReceiveAsync(new byte[1], ScriptedQmpPeer.Deadline())).ShouldBe(1);
        const int FD_CLOEXEC = 1;
        Syscall.fcntl((int)accepted.SafeHandle.DangerousGetHandle(), FcntlCommand.F_GETFD).ShouldBe(FD_CLOEXEC);
    }

    [Test]
    public async Task A_path_of_107_bytes_is_accepted_and_one_of_108_is_not()
    {
        // Two bytes of UTF-8 a character: bytes count, not characters.
        var fits = Path.Combine(_folder, new string('ä', 45));
        fits += new string('x', 107 - System.Text.Encoding.UTF8.GetByteCount(fits));
        await using (QmpListener.Bind(fits))
            Path.Exists(fits).ShouldBeTrue();

        var error = Should.Throw<QmpConnectException>(() => QmpListener.Bind(fits + "x"));
        error.Phase.ShouldBe(QmpConnectPhase.Bind);
        error.Message.ShouldContain(fits + "x");
        error.Message.ShouldContain("108 bytes");
        error.Message.ShouldContain("shorter folder");
    }

    [Test]
    public void A_missing_folder_is_named_with_the_remedy()
    {
        var error = Should.Throw<QmpConnectException>(() => QmpListener.Bind(Path.Combine(_folder, "none", "s")));
        error.Message.ShouldContain($"make the folder '{_folder}/none' first");
        error.InnerException.ShouldBeOfType<SocketException>();
    }

    [Test]
    public void A_path_in_use_is_left_alone()
    {
        var path = Path.Combine(_folder, "s");
        File.WriteAllText(path, "mine");
        Should.Throw<QmpConnectException>(() => QmpListener.Bind(path)).Message.ShouldContain("something is there already");
        File.ReadAllText(path).ShouldBe("mine");
    }

    [Test]
    public async Task Waiting_for_a_connection_can_be_cancelled_and_ends_with_the_listener()
    {
        var listener = QmpListener.Bind(Path.Combine(_folder, "s"));
        using var cts = new CancellationTokenSource();
        var cancelled = listener.AcceptAsync(cts.Token);
        await cts.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(cancelled);

        var waiting = listener.AcceptAsync(ScriptedQmpPeer.Deadline());
        await listener.DisposeAsync();
        (await Should.ThrowAsync<QmpConnectException>(waiting)).Phase.ShouldBe(QmpConnectPhase.Accept);
    }
}
