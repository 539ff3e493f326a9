using QemuMigTest.Migration;

namespace QemuMigTest.Oracles;

/// <summary>Asks sides at once: the time that one's QEMU takes to answer is the other's as well.</summary>
internal static class EachSide
{
    /// <summary>What is found on each of several sides, in their order.</summary>
    public static async Task<IReadOnlyList<OracleFinding>> FindAsync(IEnumerable<MigrationSide> sides, Func<MigrationSide, Task<IEnumerable<OracleFinding>>> find) =>
        [.. (await Task.WhenAll(sides.Select(find))).SelectMany(found => found)];

    /// <summary>What two sides answer.</summary>
    public static async Task<(T First, T Second)> AskAsync<T>(MigrationSide first, MigrationSide second, Func<MigrationSide, Task<T>> ask)
    {
        var answers = await Task.WhenAll(ask(first), ask(second));
        return (answers[0], answers[1]);
    }

    /// <summary>What is read of two sides by calls that block (qtest).</summary>
    public static Task<(T First, T Second)> ReadAsync<T>(MigrationSide first, MigrationSide second, Func<MigrationSide, T> read, CancellationToken ct) =>
        AskAsync(first, second, side => Task.Run(() => read(side), ct));
}
