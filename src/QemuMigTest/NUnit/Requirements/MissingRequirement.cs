namespace QemuMigTest.NUnit.Requirements;

/// <summary>What was found instead of what a test needs, and why that is not enough.</summary>
public sealed record MissingRequirement(string Found, string Why);
