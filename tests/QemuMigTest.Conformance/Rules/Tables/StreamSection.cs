namespace QemuMigTest.Conformance.Rules;

/// <summary>Where a section of a stream has what.</summary>
/// <param name="Start">Its mark.</param>
/// <param name="End">Behind its footer.</param>
/// <param name="NameBytes">How long its name is.</param>
/// <param name="IsPiece">It is a further piece, which has no name, instance and version.</param>
internal readonly record struct StreamSection(int Start, int End, int NameBytes, bool IsPiece)
{
    private const int FooterBytes = 5;
    private const int NumberBytes = 4;

    /// <summary>Its number.</summary>
    public int Id => Start + 1;

    /// <summary>Its name's first letter.</summary>
    public int Name => Id + NumberBytes + 1;

    /// <summary>Which of several devices.</summary>
    public int Instance => Name + NameBytes;

    /// <summary>Its version.</summary>
    public int Version => Instance + NumberBytes;

    /// <summary>What it has to say.</summary>
    public int Content => IsPiece ? Id + NumberBytes : Version + NumberBytes;

    /// <summary>Its footer's mark.</summary>
    public int Footer => End - FooterBytes;

    /// <summary>The number that its footer repeats.</summary>
    public int FooterId => Footer + 1;
}
