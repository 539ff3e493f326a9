namespace QemuMigTest.Migration;

/// <summary>How far a migration has come.</summary>
public enum MigrationOutcome
{
    /// <summary>It was started and has not ended.</summary>
    UnderWay,

    /// <summary>The guest runs on the destination.</summary>
    Completed,

    /// <summary>It had reached COLO, one side was lost, and the guest runs on the other.</summary>
    FailedOver,

    /// <summary>It failed, as was expected.</summary>
    Failed,

    /// <summary>It was cancelled.</summary>
    Cancelled,

    /// <summary>A side refused the command that would have started it: nothing has changed.</summary>
    Refused,
}
