using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>Many migrations from one source, none of which may leave anything in it.</summary>
public abstract class LeakFixture : MigrationFixture
{
    /// <summary>How many migrations, where each is short.</summary>
    protected const int Many = 20;

    // By then what is made once, and kept, has been made: caches of the allocator and of translated code.
    private const double WarmUp = 0.4;

    /// <summary>Does something over and over, and sees that the source has no more descriptors, threads and memory at the end than after the first rounds.</summary>
    /// <param name="pair">The pair.</param>
    /// <param name="round">One migration, to its end; it is given the round's number.</param>
    /// <param name="ct">Ends it.</param>
    /// <param name="rounds">How many.</param>
    protected static async Task RepeatAsync(MigrationPair pair, Func<int, Task> round, CancellationToken ct, int rounds = Many)
    {
        var side = pair.Source;
        var fresh = ProcessResources.Read(side.Process.Child.Id)!;
        var flat = new FlatMemory(side);
        for (var number = 1; number <= rounds; number++)
        {
            await round(number);
            // It says failed, or cancelled, before it has cleaned up, and till then it may refuse the next.
            await SettleAsync(side, fresh, number, ct);
            if (number >= rounds * WarmUp)
            {
                flat.Note();
            }
        }

        flat.ShouldBeFlat();
    }

    private static Task SettleAsync(MigrationSide side, ProcessResources fresh, int number, CancellationToken ct)
    {
        IReadOnlyList<string> left = [];
        return Poll.UntilAsync(side.Name, $"the descriptors and threads of before, after migration {number}", _ =>
        {
            left = ProcessResources.Read(side.Process.Child.Id)!.DifferencesFrom(fresh);
            return Task.FromResult(left.Count == 0 ? side : null);
        }, () => string.Join(", ", left), side.Process.Options.Limits.Command, ct);
    }
}
