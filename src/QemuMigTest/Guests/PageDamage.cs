namespace QemuMigTest.Guests;

/// <summary>One page, 4096 bytes, that is not what the guest program must have made of it.</summary>
public sealed record PageDamage
{
    /// <summary>The guest-physical address of the page.</summary>
    public required uint Address { get; init; }

    /// <summary>The first byte that differs, from 0 to 4095.</summary>
    public required int FirstOffset { get; init; }

    /// <summary>The last byte that differs, from 0 to 4095.</summary>
    public required int LastOffset { get; init; }

    /// <summary>How many bytes differ.</summary>
    public required int ByteCount { get; init; }

    /// <summary>What it looks like.</summary>
    public required DamageKind Kind { get; init; }

    /// <summary>Passes behind or ahead, modulo 65536, for <see cref="DamageKind.StalePass"/> and <see cref="DamageKind.AheadOfPass"/>, or missing,
    /// from 1 to 255, for <see cref="DamageKind.MissingPasses"/>; else 0.</summary>
    public int Passes { get; init; }

    /// <summary>The page whose stamps are seen, for <see cref="DamageKind.OtherPage"/>, or whose content, for
    /// <see cref="DamageKind.OtherContent"/>; else null.</summary>
    public uint? OtherAddress { get; init; }

    /// <summary>Bits that differ in the whole page.</summary>
    public required int BitCount { get; init; }

    /// <summary>Up to 16 bytes from <see cref="FirstOffset"/> on, as they must be.</summary>
    public required ReadOnlyMemory<byte> Expected { get; init; }

    /// <summary>The same bytes as they were seen.</summary>
    public required ReadOnlyMemory<byte> Seen { get; init; }

    /// <summary>Who wrote to the page last, and when: <c>in the guest's pass 17</c>. Empty when that is not known.</summary>
    public string LastWritten { get; init; } = "";

    /// <summary>One line for people, without the address.</summary>
    public override string ToString()
    {
        var looks = Kind switch
        {
            DamageKind.StalePass => $"{Count(Passes, "pass", "passes")} behind",
            DamageKind.MissingPasses => $"{Count(Passes, "pass", "passes")} missing, later ones there: an old version, which the guest went on with",
            DamageKind.AheadOfPass => $"{Count(Passes, "pass", "passes")} ahead",
            DamageKind.OtherPage => $"stamps of page 0x{OtherAddress:x}",
            DamageKind.Zeros => "all zero",
            DamageKind.LostWrite => "without what the framework wrote there",
            DamageKind.EarlierContent => "as it was before it was last written",
            DamageKind.OtherContent => $"the content of page 0x{OtherAddress:x}",
            DamageKind.BitFlip => $"{Count(BitCount, "bit", "bits")} flipped",
            _ => "other damage",
        };
        var where = FirstOffset == LastOffset ? $"at offset 0x{FirstOffset:x}" : $"from offset 0x{FirstOffset:x} to 0x{LastOffset:x}";
        return $"{looks}; {Count(ByteCount, "byte", "bytes")} {where}: expected {Hex(Expected)}, seen {Hex(Seen)}{(LastWritten.Length > 0 ? $"; last written {LastWritten}" : "")}";
    }

    private static string Hex(ReadOnlyMemory<byte> bytes) =>
        string.Join(' ', Convert.ToHexStringLower(bytes.Span).Chunk(2).Select(digits => new string(digits)));

    private static string Count(int count, string one, string many) => count == 1 ? $"1 {one}" : $"{count} {many}";
}
