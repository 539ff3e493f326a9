using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>Many migrations from one source, none of which may leave anything in it.</summary>
public abstract class LeakFixture : MigrationFixture
{
    private const int Rounds = 20;

    // By then what is made once, and kept, has been made.
    private const int WarmUp = 5;

    /// <summary>Does something over and over, and sees that the source has no more descriptors, threads and memory at the end than after the first rounds.</summary>
    /// <param name="pair">The pair.</param>
    /// <param name="round">One migration, to its end; it is given the round's number.</param>
    /// <param name="ct">Ends it.</param>
    protected static async Task RepeatAsync(MigrationPair pair, Func<int, Task> round, CancellationToken ct)
    {
        var side = pair.Source;
        var fresh = ProcessResources.Read(side.Process.Child.Id)!;
        var flat = new FlatMemory(side);
        for (var number = 1; number <= Rounds; number++)
        {
            await round(number);
            if (number >= WarmUp)
            {
                flat.Note();
            }
        }

        IReadOnlyList<string> left = [];
        await Poll.UntilAsync(side.Name, $"the descriptors and threads of before {Rounds} migrations", _ =>
        {
            left = ProcessResources.Read(side.Process.Child.Id)!.DifferencesFrom(fresh);
            return Task.FromResult(left.Count == 0 ? side : null);
        }, () => string.Join(", ", left), side.Process.Options.Limits.Command, ct);
        flat.ShouldBeFlat();
    }
}
