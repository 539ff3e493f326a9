using System.Globalization;
using QemuMigTest.Hosts;
using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs huge pages for the RAM of both sides: for <see cref="GuestRam.HugePages"/>.</summary>
public sealed class RequiresHugePagesAttribute : RequirementAttribute
{
    private const long Pages = 2 * MigrationPair.GuestMemoryBytes / ReservedHugePages.Bytes;

    /// <inheritdoc/>
    public override string Wanted => string.Create(CultureInfo.InvariantCulture, $"{Pages} free huge pages of 2 MiB");

    /// <inheritdoc/>
    // Asked anew each time: what is free changes while a run goes on.
    public override MissingRequirement? Check(MigrationEnvironment environment) => ReservedHugePages.WhyNot(ReservedHugePages.Folder, Pages) is { } error
        ? new MissingRequirement(error, string.Create(CultureInfo.InvariantCulture, $"each side has the guest's RAM in its own; sysctl vm.nr_hugepages={Pages}, or more where others use some"))
        : null;
}
