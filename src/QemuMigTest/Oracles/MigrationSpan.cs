using QemuMigTest.Migration;

namespace QemuMigTest.Oracles;

/// <summary>One migration as one of its sides saw it.</summary>
/// <param name="Number">The migration's number.</param>
/// <param name="From">Where its events start in the side's log.</param>
/// <param name="IsSource">The side is the source of it.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="RunsFreely">Its sides stop and go on as they please: COLO, or a background snapshot.</param>
/// <param name="Switched">Whether the guest must run on the destination by itself: it ran when the source stopped it, and the destination was not started with -S.</param>
internal sealed record MigrationSpan(int Number, int From, bool IsSource, MigrationOutcome Outcome, bool RunsFreely, bool Switched)
{
    /// <summary>The side's first statuses are not in its log: it had no monitor yet.</summary>
    public bool JoinedLate { get; init; }

    /// <summary>The guest is stopped before anything is sent, as in every mode but normal.</summary>
    public bool StopsFirst { get; init; }
}
