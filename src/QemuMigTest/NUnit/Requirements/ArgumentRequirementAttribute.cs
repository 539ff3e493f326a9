using NUnit.Framework;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>On a parameter of a test: what its value means, and so what the test needs when it has that value.</summary>
/// <remarks>It is for a method with several <see cref="MigrationTestAttribute"/>, of which each needs something else.</remarks>
[AttributeUsage(AttributeTargets.Parameter, AllowMultiple = true)]
public abstract class ArgumentRequirementAttribute : NUnitAttribute
{
    /// <summary>What a test with this value needs; nothing, for a value that needs nothing.</summary>
    /// <exception cref="ArgumentException">The value is of another type than the attribute is for.</exception>
    public abstract IEnumerable<RequirementAttribute> Of(object? argument);
}
