using NUnit.Framework;
using NUnit.Framework.Interfaces;

namespace QemuMigTest.NUnit;

/// <summary>Opens the session of a suite before its first test and closes it after its last.
/// A suite derives a class from it, at the root of its namespaces, and marks that with <c>[SetUpFixture]</c>.</summary>
public abstract class MigrationSuite
{
    private MigrationSession? _session;

    /// <summary>The session; there once the suite has begun.</summary>
    public MigrationSession Session => _session ?? throw new InvalidOperationException("The suite has not been opened.");

    /// <summary>Opens the session.</summary>
    [OneTimeSetUp]
    public async Task OpenAsync() => _session = await MigrationSession.OpenAsync(SuiteSettings.Read(), TestContext.Progress.WriteLine, TestContext.CurrentContext.CancellationToken);

    /// <summary>Closes the session; nothing of the run is left.</summary>
    [OneTimeTearDown]
    public void Close() => _session?.Dispose();

    /// <summary>The session of the suite that a test is part of.</summary>
    /// <exception cref="InvalidOperationException">It is part of none.</exception>
    internal static MigrationSession SessionOf(ITest? test)
    {
        for (var at = test; at is not null; at = at.Parent)
        {
            if (at.Fixture is MigrationSuite suite)
            {
                return suite.Session;
            }
        }

        throw new InvalidOperationException($"{test?.FullName} is part of no suite: derive a class from {nameof(MigrationSuite)} in a namespace above it and mark it with [SetUpFixture].");
    }
}
