using System.Runtime.CompilerServices;
using NUnit.Framework;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace QemuMigTest.NUnit;

/// <summary>Opens the session of a suite before its first test and closes it after its last.
/// A suite derives a class from it, at the root of its namespaces, and marks that with <c>[SetUpFixture]</c>.</summary>
public abstract class MigrationSuite
{
    // By NUnit's own object of the suite: ITest.Fixture of a suite that is run again is now and then taken away by the end of the run before.
    private static readonly ConditionalWeakTable<ITest, MigrationSession> Sessions = [];
    private MigrationSession? _session;

    /// <summary>The session; there once the suite has begun.</summary>
    public MigrationSession Session => _session ?? throw new InvalidOperationException("The suite has not been opened.");

    /// <summary>Opens the session.</summary>
    [OneTimeSetUp]
    public async Task OpenAsync()
    {
        var suite = TestExecutionContext.CurrentContext.CurrentTest;
        _session = await MigrationSession.OpenAsync(SuiteSettings.Read(), TestContext.Progress.WriteLine, TestContext.CurrentContext.CancellationToken);
        Sessions.AddOrUpdate(suite, _session);
    }

    /// <summary>Closes the session; nothing of the run is left.</summary>
    [OneTimeTearDown]
    public void Close() => _session?.Dispose();

    /// <summary>The session of the suite that a test is part of.</summary>
    /// <exception cref="InvalidOperationException">It is part of none.</exception>
    internal static MigrationSession SessionOf(ITest? test)
    {
        for (var at = test; at is not null; at = at.Parent)
        {
            if (Sessions.TryGetValue(at, out var session))
            {
                return session;
            }
        }

        throw new InvalidOperationException($"{test?.FullName} is part of no suite: derive a class from {nameof(MigrationSuite)} in a namespace above it and mark it with [SetUpFixture].");
    }
}
