namespace QemuMigTest.Guests;

/// <summary>Where a guest is in its program.</summary>
public enum GuestPhase
{
    /// <summary>At the reset vector: a machine that was never let run, or was just reset.</summary>
    NotStarted,

    /// <summary>In the program, before its loop: memory is being prepared, and what it holds is not known.</summary>
    Preparing,

    /// <summary>In the loop, from which memory is known to the byte. A guest that suspended itself is there too.</summary>
    Running,

    /// <summary>Not in the program: in the BIOS, before the first start or after a wake-up.</summary>
    Elsewhere,
}
