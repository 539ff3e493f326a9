namespace QemuMigTest.Guests;

/// <summary>What a damaged page looks like. It is a reading of the bytes, not proof of how they came about.</summary>
public enum DamageKind
{
    /// <summary>The page as it was some passes ago: it was dirtied and not sent again.</summary>
    StalePass,

    /// <summary>Some passes are missing, and later ones are there: it was dirtied and not sent again, and the guest went on with it.</summary>
    MissingPasses,

    /// <summary>The page as it will be some passes later: memory of a guest that ran on.</summary>
    AheadOfPass,

    /// <summary>The stamps of another page: it was loaded at a wrong address.</summary>
    OtherPage,

    /// <summary>Nothing but zeros: it was never loaded, or taken for a zero page.</summary>
    Zeros,

    /// <summary>As the guest made it, without what the framework wrote to it afterwards.</summary>
    LostWrite,

    /// <summary>As it was before it was last written.</summary>
    EarlierContent,

    /// <summary>All bytes of another page: it was loaded at a wrong address.</summary>
    OtherContent,

    /// <summary>Right but for 8 bits or fewer.</summary>
    BitFlip,

    /// <summary>None of these.</summary>
    Other,
}
