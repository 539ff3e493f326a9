using QemuMigTest.Migration;

namespace QemuMigTest.Oracles;

/// <summary>Something that holds for every pair at the end of every test, whoever wrote it.</summary>
public interface IPairOracle
{
    /// <summary>Its name in findings.</summary>
    string Name { get; }

    /// <summary>Checks a pair whose QEMUs still run.</summary>
    /// <returns>What does not hold; none when all is well.</returns>
    Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct);
}
