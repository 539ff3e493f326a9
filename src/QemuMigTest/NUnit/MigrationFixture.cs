using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using NUnit.Framework;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;
using QemuMigTest.Migration;
using QemuMigTest.NUnit.Requirements;
using QemuMigTest.Oracles;
using QemuMigTest.Processes;

namespace QemuMigTest.NUnit;

/// <summary>The base of fixtures of migration tests. It starts pairs, applies every oracle to them when the test has passed,
/// keeps their logs when it has not, and leaves nothing behind.</summary>
public abstract class MigrationFixture
{
    private readonly List<(MigrationPair Pair, ScratchDirectory Scratch)> _pairs = [];
    private readonly List<MigrationPair> _released = [];
    private readonly List<CancellationTokenRegistration> _watchdogs = [];
    private readonly PairVerifier _verifier = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MigrationSession? _session;

    /// <summary>The session of the run.</summary>
    protected MigrationSession Session => _session ?? throw new InvalidOperationException("The test has not begun.");

    /// <summary>The builds, the machine type, the accelerator.</summary>
    protected MigrationEnvironment Environment => Session.Environment;

    private static ITest Test => TestExecutionContext.CurrentContext.CurrentTest;

    /// <summary>Skips the test when something that it needs is missing.</summary>
    [SetUp]
    public void CheckRequirements()
    {
        _session = MigrationSuite.SessionOf(Test);
        foreach (var requirement in MigrationTestAttribute.RequirementsOf((TestMethod)Test))
        {
            if (requirement.Check(Environment) is { } missing)
            {
                Skip(requirement.Wanted, missing);
            }
        }
    }

    /// <summary>Skips the test for something that can only be seen on a running guest; what can be asked before is a <see cref="RequirementAttribute"/>.</summary>
    /// <param name="wanted">What the test needs.</param>
    /// <param name="missing">What is there instead, and why that does not do.</param>
    [DoesNotReturn]
    protected static void Skip(string wanted, MissingRequirement missing)
    {
        ArgumentNullException.ThrowIfNull(missing);
        Test.Properties.Set(TestProperties.Wanted, wanted);
        Test.Properties.Set(TestProperties.Found, missing.Found);
        Test.Properties.Set(TestProperties.Why, missing.Why);
        throw new IgnoreException($"needs {wanted}; found: {missing.Found} ({missing.Why})");
    }

    /// <summary>Starts a source and a destination, both with the guest program; see <see cref="MigrationPair.StartAsync"/>.
    /// The fixture owns the pair: it is checked and ended after the test.</summary>
    protected Task<MigrationPair> StartPairAsync(PairOptions options, CancellationToken ct) => StartPairAsync(options, Environment, ct);

    /// <summary>The same in another environment, such as one with shorter time limits.</summary>
    protected async Task<MigrationPair> StartPairAsync(PairOptions options, MigrationEnvironment environment, CancellationToken ct)
    {
        var scratch = Session.Scratch.CreateChild("");
        try
        {
            var pair = await MigrationPair.StartAsync(options, environment, Session.Spawner, scratch, ct);
            _pairs.Add((pair, scratch));
            _watchdogs.Add(ct.Register(() => _ = KillWhenOverdueAsync(pair, _ended.Task)));
            return pair;
        }
        catch (Exception start)
        {
            List<Exception> failures = [start];
            foreach (var step in new Action[] { () => Keep(scratch), scratch.Dispose })
            {
                try
                {
                    step();
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    failures.Add(e);
                }
            }

            if (failures.Count > 1)
            {
                throw new AggregateException(failures);
            }

            throw;
        }
    }

    /// <summary>Applies every oracle in the middle of a test: after a migration, before the next. The guest is stopped when this returns.</summary>
    protected Task VerifyAsync(MigrationPair pair, CancellationToken ct) => _verifier.VerifyAsync(pair, ct);

    /// <summary>Applies every oracle after a migration, then makes its destination the source of the next: see <see cref="MigrationPair.HandOnAsync"/>.</summary>
    protected async Task HandOnAsync(MigrationPair pair, CancellationToken ct)
    {
        await VerifyAsync(pair, ct);
        await pair.HandOnAsync(ct);
    }

    /// <summary>Takes a pair from the oracles: the test has applied them itself, or has damaged the pair on purpose. The fixture still ends it.</summary>
    protected void Release(MigrationPair pair) => _released.Add(pair);

    /// <summary>Notes that QEMU refused what the path asks of it, as this version should: the catalogue then shows the path as refused, not as passed.
    /// To be called once the refusal has been proved; a test that fails afterwards has failed.</summary>
    /// <param name="what">What was refused, and by what: <c>migrate with fd: to a plain file; QEMU wants file: for it</c>. The same for every run on this
    /// version of QEMU: no path, process id or time.</param>
    /// <exception cref="ArgumentException"><paramref name="what"/> is empty.</exception>
    protected static void NoteRefusal(string what)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(what);
        Test.Properties.Add(TestProperties.Refused, what);
    }

    /// <summary>Notes that QEMU did what it should not, as this version is known to: the catalogue then shows the path as a known fault, not as passed, and docs/findings.md
    /// tells of it. To be called once it has been proved, so that the day it is mended is noticed.</summary>
    /// <param name="what">What it did: <c>migrate on a destination in postcopy: it aborts</c>. The same for every run on this version of QEMU.</param>
    /// <exception cref="ArgumentException"><paramref name="what"/> is empty.</exception>
    protected static void NoteFault(string what)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(what);
        Test.Properties.Add(TestProperties.Fault, what);
    }

    /// <summary>Applies the oracles when the test passed, keeps the logs when it or they did not, and ends all QEMUs.</summary>
    [TearDown]
    public async Task VerifyAndEndAsync()
    {
        _ended.SetResult();
        _watchdogs.ForEach(watchdog => watchdog.Dispose());
        var passed = TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Passed;
        List<Exception> failures = [];
        foreach (var (pair, scratch) in _pairs)
        {
            await EndAsync(pair, scratch, passed, failures);
        }

        switch (failures)
        {
            case []:
                break;
            case [var only]:
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(only);
                break;
            default:
                throw new AggregateException(failures);
        }
    }

    // Each step is taken whatever became of the one before it: nothing of a pair may outlive its test.
    private async Task EndAsync(MigrationPair pair, ScratchDirectory scratch, bool passed, List<Exception> failures)
    {
        var limits = pair.Environment.Limits;
        async Task Take(Func<Task> step)
        {
            try
            {
                await step();
            }
#pragma warning disable CA1031 // whatever it is, the steps after it are taken, and it is told
            catch (Exception e)
#pragma warning restore CA1031
            {
                failures.Add(e);
            }
        }

        if (passed && failures.Count == 0 && !_released.Contains(pair))
        {
            // Longer than any one wait in it, which knows better what it waited for.
            var limit = 2 * limits.Step;
            await Take(() => Deadline.WithinAsync(limit, token => VerifyAndEndAsync(pair, token),
                () => new WaitTimeoutException("pair", "the oracles to end", limit, string.Join("; ", pair.Sides.Select(side => $"{side.Name}: {side.Process.LastSeen()}"))),
                CancellationToken.None));
            Measure(pair);
        }

        if (!passed || failures.Count > 0)
        {
            await Take(() => PairDiagnostics.WriteAsync(pair, limits.Command));
        }

        await Take(() => pair.DisposeAsync().AsTask());
        if (!passed || failures.Count > 0 || Session.Settings.Keep)
        {
            await Take(() => Task.Run(() => Keep(scratch)));
        }

        await Take(() => Task.Run(scratch.Dispose));
    }

    // A page that nobody brings any more, of RAM that is still registered with a userfaultfd, holds up who reads it until its QEMU ends.
    private async Task VerifyAndEndAsync(MigrationPair pair, CancellationToken ct)
    {
        var ended = new TaskCompletionSource();
        using var watchdog = ct.Register(() => _ = KillWhenOverdueAsync(pair, ended.Task));
        try
        {
            await _verifier.VerifyAndEndAsync(pair, ct);
        }
        finally
        {
            ended.SetResult();
        }
    }

    // A test that does not heed its token is ended by the end of its QEMUs.
    private async Task KillWhenOverdueAsync(MigrationPair pair, Task ended)
    {
        await Task.WhenAny(ended, Task.Delay(Session.Settings.Limits.Quit, TimeProvider.System));
        if (!ended.IsCompleted)
        {
            foreach (var side in pair.Sides)
            {
                side.Process.Child.Kill();
            }
        }
    }

    private void Measure(MigrationPair pair)
    {
        static void Set(string name, double? value)
        {
            if (value is { } number)
            {
                Test.Properties.Set(TestProperties.MeasurePrefix + name, number.ToString(CultureInfo.InvariantCulture));
            }
        }

        foreach (var (oracle, time) in _verifier.Times)
        {
            Set($"oracle-{oracle.Replace(' ', '-')}-ms", double.Round(time.TotalMilliseconds, 1));
        }

        foreach (var run in pair.Runs.Where(run => run.Outcome == MigrationOutcome.Completed))
        {
            Set("total-time-ms", run.Result?.TotalTime);
            Set("downtime-ms", run.Result?.Downtime);
            Set("setup-time-ms", run.Result?.SetupTime);
            Set("ram-transferred-bytes", run.Result?.RamTransferred);
            Set("passes", run.Result?.DirtySyncCount);
        }
    }

    /// <summary>Keeps the logs in a scratch folder: what a test starts besides pairs, and ends itself.</summary>
    protected void Keep(ScratchDirectory scratch)
    {
        var path = Test.Properties.Get(TestProperties.Path) as string ?? Test.FullName;
        var folder = LogKeeper.Keep(scratch, Session.Settings.ResultsFolder, path);
        Test.Properties.Set(TestProperties.Folder, folder);
        TestContext.Out.WriteLine($"logs: {folder}");
    }
}
