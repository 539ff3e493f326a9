namespace QemuMigTest.Streams;

/// <summary>A command within a stream: what the source tells the destination between sections.</summary>
/// <param name="Name">Its name, as QEMU has it in small letters.</param>
/// <param name="MinLength">How many bytes of data it has at least.</param>
/// <param name="MaxLength">And at most.</param>
internal sealed record KnownCommand(string Name, int MinLength, int MaxLength)
{
    public const ushort PostcopyAdviseNumber = 3;
    public const ushort PackagedNumber = 7;

    private const int DiscardHeader = 4;
    private const int Any = ushort.MaxValue;

    /// <summary>The command of a number, or null if there is none.</summary>
    public static KnownCommand? Of(ushort number) => number switch
    {
        1 => new("open-return-path", 0, 0),
        2 => new("ping", sizeof(uint), sizeof(uint)),
        PostcopyAdviseNumber => new("postcopy-advise", 0, 2 * sizeof(ulong)),
        4 => new("postcopy-listen", 0, 0),
        5 => new("postcopy-run", 0, 0),
        6 => new("postcopy-ram-discard", DiscardHeader, Any),
        PackagedNumber => new("packaged", sizeof(uint), sizeof(uint)),
        8 => new("enable-colo", 0, 0),
        9 => new("postcopy-resume", 0, 0),
        10 => new("recv-bitmap", 2, 1 + byte.MaxValue),
        11 => new("switchover-start", 0, 0),
        _ => null,
    };
}
