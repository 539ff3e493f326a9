using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>Many migrations from one source, none of which may leave anything in it.</summary>
public abstract class LeakFixture : MigrationFixture
{
    /// <summary>How many migrations, where each is short.</summary>
    protected const int Many = 20;

    /// <summary>KiB that QEMU may grow by in a round while no guest runs in it: the allocator's arenas; up to 10 seen.</summary>
    internal const double GrowthAtRest = 32;

    /// <summary>KiB that QEMU may grow by in a round in which a guest ran: translated code; up to 280 seen.</summary>
    protected const double GrowthWithGuest = 512;

    // By then what is made once, and kept, has been made: caches of the allocator and of translated code.
    private const double WarmUp = 0.4;

    /// <summary>Does something over and over, and sees that the source has no more descriptors, threads and memory at the end than after the first rounds.</summary>
    /// <param name="pair">The pair.</param>
    /// <param name="round">One migration, to its end; it is given the round's number.</param>
    /// <param name="ct">Ends it.</param>
    /// <param name="rounds">How many.</param>
    /// <param name="growth">What the source may grow by in a round, KiB.</param>
    /// <param name="also">Another side whose descriptors and threads must be those of before.</param>
    internal static async Task RepeatAsync(
        MigrationPair pair, Func<int, Task> round, CancellationToken ct, int rounds = Many, double growth = GrowthAtRest, MigrationSide? also = null)
    {
        var side = pair.Source;
        var fresh = Read(side);
        var alsoFresh = also is null ? null : Read(also);
        var flat = new FlatMemory(side, growth);
        for (var number = 1; number <= rounds; number++)
        {
            await round(number);
            // It says failed, or cancelled, before it has cleaned up, and till then it may refuse the next.
            await SettleAsync(side, fresh, number, ct);
            if (alsoFresh is not null)
            {
                await SettleAsync(also!, alsoFresh, number, ct);
            }

            if (number >= rounds * WarmUp)
            {
                flat.Note();
            }
        }

        flat.ShouldBeFlat();
    }

    private static ProcessResources Read(MigrationSide side) =>
        ProcessResources.Read(side.Process.Child.Id) ?? throw new QemuMigTestException($"{side.Name}: its QEMU has ended; {side.Process.LastSeen()}");

    private static Task SettleAsync(MigrationSide side, ProcessResources fresh, int number, CancellationToken ct)
    {
        IReadOnlyList<string> left = [];
        return Poll.UntilAsync(side.Name, $"the descriptors and threads of before, after migration {number}", _ =>
        {
            left = Read(side).DifferencesFrom(fresh);
            return Task.FromResult(left.Count == 0 ? side : null);
        }, () => string.Join(", ", left), side.Process.Options.Limits.Command, ct);
    }
}
