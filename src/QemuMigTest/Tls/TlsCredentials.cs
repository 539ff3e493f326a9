using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Tls;

/// <summary>What one side of a migration knows and wants of the other, for TLS.</summary>
public abstract record TlsCredentials
{
    /// <summary>The id of the object with the credentials, which the parameter tls-creds names, unless another is asked for.</summary>
    public const string ObjectId = "tls0";

    private const string AuthorizationId = "authz0";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The host name that the other side's certificate must have, instead of the one in the URI (tls-hostname, since 2.7), or null.</summary>
    public string? Hostname { get; init; }

    /// <summary>The distinguished name of the only client that is let in (authz-simple and tls-authz, since 4.0), or null for any.</summary>
    public string? AllowedIdentity { get; init; }

    /// <summary>Writes what QEMU reads into a folder of its own, and says how QEMU is told of it.</summary>
    /// <param name="endpoint">The end that this side is.</param>
    /// <param name="authority">Makes keys and certificates.</param>
    /// <param name="folder">A folder that only its owner can enter.</param>
    /// <param name="objectId">The id of the object with the credentials.</param>
    /// <param name="withGroup">Whether a server is given the group of its key exchange: deprecated since 10.2, and needed by nobody from then on.</param>
    /// <exception cref="IOException">A file could not be written.</exception>
    public TlsArguments Prepare(TlsEndpoint endpoint, TlsAuthority authority, ScratchDirectory folder, string objectId = ObjectId, bool withGroup = false)
    {
        if (withGroup && endpoint == TlsEndpoint.Server)
        {
            Write(folder.File(DiffieHellman.FileName), DiffieHellman.Group);
        }

        foreach (var (name, content) in Files(endpoint, authority))
        {
            Write(folder.File(name), content);
        }

        var side = endpoint == TlsEndpoint.Server ? "server" : "client";
        var arguments = new QemuCommandLine().With("-object",
            $"{ObjectType},id={objectId},endpoint={side},dir={QemuCommandLine.InList(folder.Path)}{MoreOfObject(endpoint)}");
        var parameters = new JsonObject { ["tls-creds"] = objectId };
        if (Hostname is not null)
        {
            parameters["tls-hostname"] = Hostname;
        }

        if (AllowedIdentity is not null)
        {
            arguments = arguments.With("-object", $"authz-simple,id={AuthorizationId},identity={QemuCommandLine.InList(AllowedIdentity)}");
            parameters["tls-authz"] = AuthorizationId;
        }

        return new(arguments, parameters);
    }

    /// <summary>The type of QEMU's object.</summary>
    protected abstract string ObjectType { get; }

    /// <summary>The object's properties but for the common ones, a comma before each.</summary>
    protected abstract string MoreOfObject(TlsEndpoint endpoint);

    /// <summary>The files that QEMU reads, by their names.</summary>
    protected abstract IEnumerable<(string Name, string Content)> Files(TlsEndpoint endpoint, TlsAuthority authority);

    private static void Write(string path, string content)
    {
        using var writer = new StreamWriter(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly });
        writer.Write(content);
    }
}
