namespace QemuMigTest.Conformance.Rules;

/// <summary>Where a side is when a command is tried.</summary>
[Flags]
internal enum Stage
{
    /// <summary>A source; no migration yet.</summary>
    Idle = 1,

    /// <summary>A destination; no migrate-incoming yet.</summary>
    Waiting = 2,

    /// <summary>A destination after migrate-incoming.</summary>
    Listening = 4,

    /// <summary>A source that sends RAM.</summary>
    Active = 8,

    /// <summary>A destination that gets RAM.</summary>
    Receiving = 16,

    /// <summary>A source in pre-switchover.</summary>
    PreSwitchover = 32,

    /// <summary>A source that has completed.</summary>
    Completed = 64,

    /// <summary>A destination that has completed: the guest runs there.</summary>
    Arrived = 128,

    /// <summary>A source in postcopy-active.</summary>
    PostcopyActive = 256,

    /// <summary>A destination in postcopy-active.</summary>
    PostcopyReceiving = 512,

    /// <summary>A source in postcopy-paused.</summary>
    PostcopyPaused = 1024,

    /// <summary>A destination in postcopy-paused.</summary>
    PostcopyWaiting = 2048,

    /// <summary>A source whose migration goes on.</summary>
    Sending = Active | PreSwitchover | PostcopyActive | PostcopyPaused,

    /// <summary>A destination that has not got the guest yet.</summary>
    Expecting = Waiting | Listening | Receiving,

    /// <summary>A source.</summary>
    Source = Idle | Sending | Completed,

    /// <summary>In a pair without postcopy-ram.</summary>
    Precopy = Idle | Expecting | PreSwitchover | Completed | Arrived,

    /// <summary>Everywhere.</summary>
    All = 4095,
}
