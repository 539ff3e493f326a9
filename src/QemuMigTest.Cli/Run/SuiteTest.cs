using NUnit.Framework.Interfaces;

namespace QemuMigTest.Cli.Run;

/// <summary>One migration test of the suite.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Method">The fixture's full name and the method.</param>
/// <param name="Needs">What it needs of QEMU or of the machine.</param>
/// <param name="Limit">Its time limit, scaled.</param>
/// <param name="Explicit">Whether it runs only when it is asked for.</param>
/// <param name="Test">NUnit's object.</param>
internal sealed record SuiteTest(string Path, string Method, IReadOnlyList<string> Needs, TimeSpan Limit, bool Explicit, ITest Test);
