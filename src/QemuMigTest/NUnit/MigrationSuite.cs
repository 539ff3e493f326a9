using System.Runtime.CompilerServices;
using NUnit.Framework;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;
using QemuMigTest.Results;

namespace QemuMigTest.NUnit;

/// <summary>Opens the session of a suite before its first test and closes it after its last.
/// A suite derives a class from it, at the root of its namespaces, and marks that with <c>[SetUpFixture]</c>.</summary>
public abstract class MigrationSuite
{
    // By NUnit's own object of the suite: ITest.Fixture of a suite that is run again is now and then taken away by the end of the run before.
    private static readonly ConditionalWeakTable<ITest, MigrationSession> Sessions = [];
    private MigrationSession? _session;
    private DateTimeOffset _started;
    private long _timestamp;

    /// <summary>The session; there once the suite has begun.</summary>
    public MigrationSession Session => _session ?? throw new InvalidOperationException("The suite has not been opened.");

    /// <summary>Opens the session.</summary>
    [OneTimeSetUp]
    public async Task OpenAsync()
    {
        (_started, _timestamp) = (TimeProvider.System.GetUtcNow(), TimeProvider.System.GetTimestamp());
        var suite = TestExecutionContext.CurrentContext.CurrentTest;
        _session = await MigrationSession.OpenAsync(SuiteSettings.Read(), TestContext.Progress.WriteLine, TestContext.CurrentContext.CancellationToken);
        Sessions.AddOrUpdate(suite, _session);
    }

    /// <summary>Closes the session; nothing of the run is left but its results.</summary>
    /// <exception cref="IOException">The record cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The results folder is not writable.</exception>
    [OneTimeTearDown]
    public void Close()
    {
        if (_session is not { } session)
        {
            return;
        }

        session.Dispose();
        if (session.Settings.Record)
        {
            var context = TestExecutionContext.CurrentContext;
            var jobs = Math.Max(1, context.Dispatcher?.LevelOfParallelism ?? 1);
            Directory.CreateDirectory(session.Settings.ResultsFolder);
            SuiteRecord.Of(context.CurrentResult, session, jobs, _started, TimeProvider.System.GetElapsedTime(_timestamp))
                .Save(Path.Combine(session.Settings.ResultsFolder, RunRecord.FileName));
        }
    }

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
