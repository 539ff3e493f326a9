using System.Text.Json.Nodes;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>Many migrations, none of which may leave anything in a QEMU that lives on.</summary>
public abstract class LeakFixture : MigrationFixture
{
    /// <summary>How many migrations, where each is short.</summary>
    internal const int Many = 20;

    /// <summary>KiB that QEMU may grow by in a round while no guest is started or stopped in it: the allocator's arenas; up to 9 seen.</summary>
    internal const double GrowthAtRest = 16;

    /// <summary>KiB that QEMU may grow by in a round in which a guest was started and stopped: TCG's tables, which grow and shrink; up to 180 seen in ten rounds.</summary>
    protected const double GrowthWithGuest = 512;

    // By then what is made once, and kept, has been made: caches of the allocator and of translated code.
    private const double WarmUp = 0.4;

    private const int MostSeries = 4;

    /// <summary>Does something over and over, and sees that no side has more descriptors, threads and memory at the end than after the first rounds.</summary>
    /// <param name="sides">The QEMUs that live through it.</param>
    /// <param name="round">One migration, to its end; it is given the round's number.</param>
    /// <param name="ct">Ends it.</param>
    /// <param name="rounds">How many; as many again, up to three times, where memory has grown.</param>
    /// <param name="growth">What a side may grow by in a round, KiB.</param>
    internal static async Task RepeatAsync(
        IReadOnlyList<QemuProcess> sides, Func<int, Task> round, CancellationToken ct, int rounds = Many, double growth = GrowthAtRest)
    {
        var watched = sides.Select(side => (Side: side, Fresh: Read(side), Memory: new FlatMemory(side, growth))).ToList();
        // What grew may be the allocator's, and end, on a busy machine later than after the second series: what leaks goes on.
        for (var (number, last) = (1, rounds); number <= last || last < rounds * MostSeries && !watched.TrueForAll(one => one.Memory.IsFlat); number++)
        {
            if (number > last)
            {
                last += rounds;
                watched.ForEach(one => one.Memory.BeginAnew());
            }

            await round(number);
            foreach (var (side, fresh, memory) in watched)
            {
                // It says failed, or cancelled, before it has cleaned up, and till then it may refuse the next.
                await SettleAsync(side, fresh, number, ct);
                if (number >= rounds * WarmUp)
                {
                    memory.Note();
                }
            }
        }

        watched.ForEach(one => one.Memory.ShouldBeFlat());
    }

    /// <summary>Sends migrate, to where it will fail, and waits until the source says so.</summary>
    protected static async Task FailAsync(MigrationPair pair, string uri, CancellationToken ct)
    {
        var position = await MigrateAsync(pair, uri, ct);
        await UntilAsync(pair, MigrationStatus.Failed, position, ct);
    }

    /// <summary>Sends migrate, and says where its events start in the source's log.</summary>
    internal static async Task<int> MigrateAsync(QemuProcess source, string uri, CancellationToken ct)
    {
        var position = source.Qmp.Events.Position;
        await source.ExecuteAsync("migrate", new JsonObject { ["uri"] = uri }, ct);
        return position;
    }

    /// <summary>The same with the source of a pair.</summary>
    protected static Task<int> MigrateAsync(MigrationPair pair, string uri, CancellationToken ct) => MigrateAsync(pair.Source.Process, uri, ct);

    /// <summary>Waits until the source has said setup, and then a status.</summary>
    // From setup on: 10.0 says failed of the last migration once more, later, for each of multifd's channels.
    internal static async Task UntilAsync(QemuProcess source, MigrationStatus status, int position, CancellationToken ct)
    {
        var setup = await WaitAsync(MigrationStatus.Setup, position);
        await WaitAsync(status, setup.Position + 1);

        Task<QmpEvent> WaitAsync(MigrationStatus wanted, int from) =>
            source.WaitForEventAsync(e => MigrationSide.StatusOf(e) == wanted, from, $"migration status {wanted}", ct);
    }

    /// <summary>The same with the source of a pair.</summary>
    protected static Task UntilAsync(MigrationPair pair, MigrationStatus status, int position, CancellationToken ct) => UntilAsync(pair.Source.Process, status, position, ct);

    private static ProcessResources Read(QemuProcess side) =>
        ProcessResources.Read(side.Child.Id) ?? throw new QemuMigTestException($"{side.Name}: its QEMU has ended; {side.LastSeen()}");

    private static Task SettleAsync(QemuProcess side, ProcessResources fresh, int number, CancellationToken ct)
    {
        IReadOnlyList<string> left = [];
        return Poll.UntilAsync(side.Name, $"the descriptors and threads of before, after migration {number}", _ =>
        {
            left = Read(side).DifferencesFrom(fresh);
            return Task.FromResult(left.Count == 0 ? side : null);
        }, () => string.Join(", ", left), side.Options.Limits.Command, ct);
    }
}
