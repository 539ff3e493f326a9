namespace QemuMigTest.Conformance.Rules;

/// <summary>A migration parameter: what it is by default, what it takes, what is refused. Values are JSON.</summary>
/// <param name="Name">QAPI's name.</param>
/// <param name="Default">The default; null when query-migrate-parameters leaves it out until it is set.</param>
internal sealed record ParameterRule(string Name, string? Default)
{
    /// <summary>The versions that must have it.</summary>
    public VersionRange Versions { get; init; } = VersionRange.Always;

    /// <summary>Another default, and the version from which on machine types have the usual one.</summary>
    public (int Major, int Minor, string Default)? BeforeMachine { get; init; }

    /// <summary>What is accepted, and what it reads back as.</summary>
    public IReadOnlyList<(string Value, string Reads)> Accepted { get; init; } = [];

    /// <summary>What is refused, and why.</summary>
    public IReadOnlyList<(string Value, Refusal Reason)> Refused { get; init; } = [];

    /// <summary>Its values are those of an enumeration: all that the QEMU's schema lists are accepted.</summary>
    public bool IsEnumeration { get; init; }

    /// <summary>An integer with a range.</summary>
    /// <param name="name">QAPI's name.</param>
    /// <param name="standard">The default.</param>
    /// <param name="lowest">The lowest value.</param>
    /// <param name="highest">The highest value.</param>
    /// <param name="bits">The bits of QEMU's type: what does not fit is refused for that.</param>
    /// <param name="words">What an error of the range names, besides the parameter.</param>
    public static ParameterRule Integer(string name, long standard, long lowest, long highest, int bits, params string[] words)
    {
        var range = new Refusal($"{name} is from {lowest} to {highest}", [name, .. words]);
        var type = new Refusal($"{name} is an unsigned integer of {bits} bits", name, $"uint{bits}");
        var largest = bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;
        List<(string, Refusal)> refused = [];
        if (lowest > 0)
        {
            refused.Add(($"{lowest - 1}", range));
        }

        if ((ulong)highest < largest)
        {
            refused.Add(($"{highest + 1}", range));
            refused.Add(($"{largest}", range));
        }

        if (bits < 64)
        {
            refused.Add(($"{largest + 1}", type));
        }

        // QEMU reads a negative number as an unsigned one of 64 bits.
        refused.Add(("-1", bits < 64 ? type : range));
        return new ParameterRule(name, $"{standard}")
        {
            Accepted = [.. new[] { lowest, lowest + 1, standard, highest - 1, highest }.Distinct().Select(value => ($"{value}", $"{value}"))],
            Refused = [.. refused, .. WrongTypes(name)],
        };
    }

    /// <summary>An unsigned integer of 64 bits without an upper end. A negative number is taken for the unsigned one with the same bits.</summary>
    public static ParameterRule Unlimited(string name, long standard, long lowest = 0) => new(name, $"{standard}")
    {
        Accepted = [($"{lowest}", $"{lowest}"), ($"{lowest + 1}", $"{lowest + 1}"), ("9223372036854775808", "9223372036854775808"), ($"{ulong.MaxValue}", $"{ulong.MaxValue}"), ("-1", $"{ulong.MaxValue}")],
        Refused = [.. lowest > 0 ? new[] { ($"{lowest - 1}", new Refusal($"{name} is at least {lowest}", name, "greater")) } : [], .. WrongTypes(name)],
    };

    /// <summary>A number that must be a power of two.</summary>
    public static ParameterRule PowerOfTwo(string name, long standard, long lowest, long highest, string word) => new(name, $"{standard}")
    {
        Accepted = [.. new[] { lowest, lowest * 2, standard, highest }.Select(value => ($"{value}", $"{value}"))],
        Refused =
        [
            .. Each(new($"{name} is a power of two from {lowest}", name, word), "0", $"{lowest - 1}", $"{lowest + 1}", $"{lowest * 3}", $"{highest - 1}", $"{ulong.MaxValue}", "-1"),
            .. WrongTypes(name),
        ],
    };

    /// <summary>A boolean, false by default.</summary>
    public static ParameterRule Boolean(string name, bool standard = false) => new(name, standard ? "true" : "false")
    {
        Accepted = [("true", "true"), ("false", "false")],
        Refused = [.. Each(new($"{name} is a boolean", name, "boolean"), "\"true\"", "0", "1", "null", "[]", "{}")],
    };

    /// <summary>An enumeration.</summary>
    public static ParameterRule Enumeration(string name, string standard) => new(name, $"\"{standard}\"")
    {
        IsEnumeration = true,
        Refused =
        [
            ("\"nonesuch\"", new Refusal($"{name} must exist", name, "nonesuch")),
            ("\"\"", new Refusal($"{name} must exist", name, "does not accept")),
            ($"\"{standard.ToUpperInvariant()}\"", new Refusal($"{name} is in small letters", name, standard.ToUpperInvariant())),
            .. Each(new($"{name} is a string", name, "string"), "0", "true", "null", "[]", "{}"),
        ],
    };

    /// <summary>A text; null is the empty one.</summary>
    public static ParameterRule Text(string name) => new(name, "\"\"")
    {
        Accepted = [("\"x\"", "\"x\""), ("\"a,b=c \\u00e4\"", "\"a,b=c \\u00e4\""), ("null", "\"\""), ("\"\"", "\"\"")],
        Refused = [.. Each(new($"{name} is a string or null", name, "expected"), "0", "true", "[]", "{}", "[\"x\"]")],
    };

    /// <summary>The same parameter, with another default on older machine types.</summary>
    public ParameterRule BeforeMachineOf(int major, int minor, string standard) => this with { BeforeMachine = (major, minor, standard) };

    /// <summary>The default on a machine of a version, such as 7.2 of <c>pc-q35-7.2</c>.</summary>
    public string? DefaultOn(Version? machine) => BeforeMachine is { } older && machine is not null && machine < new Version(older.Major, older.Minor) ? older.Default : Default;

    /// <summary>The same parameter, in some versions.</summary>
    public ParameterRule For(VersionRange versions) => this with { Versions = versions };

    /// <summary>Values that are refused for one reason.</summary>
    public static IEnumerable<(string Value, Refusal Reason)> Each(Refusal reason, params IEnumerable<string> values) => values.Select(value => (value, reason));

    private static IEnumerable<(string, Refusal)> WrongTypes(string name) =>
        Each(new($"{name} is a whole number", name, "uint64"), "\"5\"", "true", "null", "1.5", "[]", "{}", "18446744073709551616");
}
