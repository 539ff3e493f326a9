using NUnit.Framework;
using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Something that a test needs of QEMU or of the machine, and without which it is skipped.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class, AllowMultiple = true, Inherited = true)]
public abstract class RequirementAttribute : NUnitAttribute
{
    /// <summary>What is needed, as a noun that <c>list</c> and a skip can show: <c>the capability multifd</c>.</summary>
    public abstract string Wanted { get; }

    /// <summary>What is missing, or null when the need is met.</summary>
    public abstract MissingRequirement? Check(MigrationEnvironment environment);
}
