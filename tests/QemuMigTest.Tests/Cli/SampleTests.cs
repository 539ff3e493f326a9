using NUnit.Framework;
using NUnit.Framework.Internal;
using QemuMigTest.NUnit;
using Test = NUnit.Framework.Internal.Test;

namespace QemuMigTest.Tests.Cli;

/// <summary>
/// Tests to run a run on. Abstract, so that they are no tests of this project; <see cref="SampleSuite"/> makes fixtures of them.
/// </summary>
public abstract class SampleTests
{
    private static Test Current => TestExecutionContext.CurrentContext.CurrentTest;

    [MigrationTest("/sample/good/one"), Property(TestProperties.Requires, "a QEMU")]
    public void Passes() => Current.Properties.Set("Measure:total-time-ms", "12.5");

    [MigrationTest("/sample/good/two"), Property(TestProperties.Requires, "a QEMU"), Property(TestProperties.Requires, "the capability multifd")]
    public void Passes_too(CancellationToken ct) => Assert.That(ct.CanBeCanceled);

    [MigrationTest("/sample/good-and-more/three")]
    public void Passes_elsewhere()
    {
    }

    [MigrationTest("/sample/bad/throws")]
    public void Throws()
    {
        Console.WriteLine("said on standard output");
        Console.Error.WriteLine("said on standard error");
        Current.Properties.Set("Folder", Path.Combine(TestContext.Parameters["results"]!, "sample", "bad"));
        throw new QemuMigTestException("Waited 5 s for 'cancelled', saw 'active' last.");
    }

    [MigrationTest("/sample/bad/ignores-its-token", TimeoutSeconds = 0.05)]
    public void Ignores_its_token() => new ManualResetEventSlim().Wait(150, CancellationToken.None);

    [MigrationTest("/sample/bad/takes-too-long", TimeoutSeconds = 0.05)]
    public Task Takes_too_long(CancellationToken ct) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);

    [MigrationTest("/sample/skipped/one")]
    public void Skips()
    {
        Current.Properties.Set("Wanted", "userfaultfd");
        Current.Properties.Set("Found", "EPERM");
        Current.Properties.Set("Why", "vm.unprivileged_userfaultfd is 0");
        Assert.Ignore("not shown");
    }

    [MigrationTest("/sample/skipped/two")]
    public void Skips_with_a_message() => Assert.Ignore("there is no /dev/kvm");

    [MigrationTest("/sample/refused"), Explicit]
    public void Is_refused_the_first_time()
    {
        var mark = Path.Combine(TestContext.Parameters["results"]!, "refused");
        if (File.Exists(mark))
            return;
        File.WriteAllText(mark, "");
        Refusals.Note("migrate to a plain file");
        Refusals.Note("migrate-incoming of a plain file");
        Refusals.Note("migrate to a plain file");
    }

    [MigrationTest("/sample/waits", TimeoutSeconds = 20), Explicit]
    public async Task Waits(CancellationToken ct)
    {
        SampleSuite.WaitBegins(TestContext.Parameters["results"]!);
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, ct);
    }

    [MigrationTest("/sample/alternates"), Explicit]
    public void Fails_every_second_time()
    {
        var mark = Path.Combine(TestContext.Parameters["results"]!, "mark");
        if (File.Exists(mark))
        {
            File.Delete(mark);
            Assert.Fail("the second time");
        }
        File.WriteAllText(mark, "");
        Current.Properties.Set("Measure:only-when-passed", "1");
    }

    private sealed class Refusals : MigrationFixture
    {
        public static void Note(string what) => NoteRefusal(what);
    }
}
