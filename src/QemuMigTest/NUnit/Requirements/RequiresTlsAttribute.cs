using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs builds that can do TLS: QEMU may be built without GnuTLS, and then refuses credentials when they are made.</summary>
public sealed class RequiresTlsAttribute : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => "TLS";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => environment.Sides
        .Where(side => side.Binary.TlsError is not null)
        .Select(side => new MissingRequirement($"{side.Side} {side.Binary} without it", $"object-add of TLS credentials says: {side.Binary.TlsError}"))
        .FirstOrDefault();
}
