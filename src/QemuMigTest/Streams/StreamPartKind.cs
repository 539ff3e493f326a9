namespace QemuMigTest.Streams;

/// <summary>What a stream is made of.</summary>
public enum StreamPartKind
{
    /// <summary>The machine type, and what both sides must agree on.</summary>
    Configuration,

    /// <summary>The first section of state that is sent piece by piece: RAM.</summary>
    SectionStart,

    /// <summary>A further piece.</summary>
    SectionPart,

    /// <summary>The last piece.</summary>
    SectionEnd,

    /// <summary>A device's state in one piece.</summary>
    SectionFull,

    /// <summary>A command to the destination.</summary>
    Command,

    /// <summary>The end of the state.</summary>
    EndOfState,

    /// <summary>The description of the devices' state, JSON.</summary>
    Description,
}
