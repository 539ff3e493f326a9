using System.Globalization;
using System.Text.RegularExpressions;

namespace QemuMigTest.Guests;

/// <summary>What the HMP command <c>info registers</c> says of the first CPU, in any mode of an x86 CPU.</summary>
internal sealed partial record GuestRegisters
{
    private const ulong DefaultSize32 = 0x40_0000;
    private const ulong LongMode = 0x20_0000;

    public required ulong Ip { get; init; }
    public required ulong Bx { get; init; }
    public required ulong Cx { get; init; }
    public required ulong Dx { get; init; }
    public required ulong Si { get; init; }
    public required ulong Di { get; init; }
    public required ulong Bp { get; init; }
    public required ulong CodeBase { get; init; }
    public required ulong CodeFlags { get; init; }

    /// <summary>The address that the CPU is about to execute from, before any paging.</summary>
    public ulong LinearIp => IsLong ? Ip : (CodeBase + Ip) & uint.MaxValue;

    public bool IsLong => (CodeFlags & LongMode) != 0;

    public bool IsProtected32 => !IsLong && (CodeFlags & DefaultSize32) != 0;

    /// <exception cref="GuestException">A register is missing.</exception>
    public static GuestRegisters Parse(string text)
    {
        // -a lists every CPU; the program runs on the first.
        var second = text.IndexOf("CPU#1", StringComparison.Ordinal);
        var first = second < 0 ? text : text[..second];
        var code = CodeSegment().Match(first);
        if (!code.Success)
            throw new GuestException($"'info registers' named no segment CS. It said:\n{text}");
        return new GuestRegisters
        {
            Ip = Register("IP"),
            Bx = Register("BX"),
            Cx = Register("CX"),
            Dx = Register("DX"),
            Si = Register("SI"),
            Di = Register("DI"),
            Bp = Register("BP"),
            CodeBase = Hex(code.Groups["base"].Value),
            CodeFlags = Hex(code.Groups["flags"].Value),
        };

        ulong Register(string name)
        {
            foreach (Match match in NamedRegister().Matches(first))
            {
                if (match.Groups["name"].Value == name)
                    return Hex(match.Groups["value"].Value);
            }
            throw new GuestException($"'info registers' named neither E{name} nor R{name}. It said:\n{text}");
        }
    }

    private static ulong Hex(string digits) => ulong.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\b[ER](?<name>IP|BX|CX|DX|SI|DI|BP)=(?<value>[0-9a-f]{1,16})\b")]
    private static partial Regex NamedRegister();

    [GeneratedRegex(@"\bCS =[0-9a-f]{4} (?<base>[0-9a-f]{1,16}) [0-9a-f]{8} (?<flags>[0-9a-f]{8})\b")]
    private static partial Regex CodeSegment();
}
