using System.Globalization;

namespace QemuMigTest.Guests;

/// <summary>The global symbols of a guest program, as <c>nm</c> lists them: addresses in the guest, by name.</summary>
public sealed class GuestSymbols
{
    private readonly Dictionary<string, uint> _addresses;

    private GuestSymbols(Dictionary<string, uint> addresses) => _addresses = addresses;

    /// <summary>The names, in no order.</summary>
    public IReadOnlyCollection<string> Names => _addresses.Keys;

    /// <summary>The address of a symbol.</summary>
    /// <exception cref="GuestException">There is no such symbol.</exception>
    public uint this[string name] => _addresses.TryGetValue(name, out var address)
        ? address
        : throw new GuestException($"The guest program has no symbol '{name}', only {string.Join(", ", _addresses.Keys.Order())}.");

    /// <summary>Reads lines such as <c>00007c2a T name</c>.</summary>
    /// <exception cref="GuestException">A line is none, or a name comes twice.</exception>
    public static GuestSymbols Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var addresses = new Dictionary<string, uint>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var parts = line.Split(' ');
            if (parts.Length != 3
                || !uint.TryParse(parts[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var address)
                || !addresses.TryAdd(parts[2], address))
                throw new GuestException($"'{line}' is not the address, type and new name of a symbol, as in '00007c00 T _start'.");
        }
        return new GuestSymbols(addresses);
    }

    /// <summary>An address for people: <c>increment</c> or <c>stamp+0x12</c>; the number where no symbol is before it.</summary>
    public string Describe(uint address)
    {
        var (name, start) = _addresses.Where(symbol => symbol.Value <= address).OrderBy(symbol => symbol.Value).LastOrDefault();
        return name is null ? $"0x{address:x}" : start == address ? name : $"{name}+0x{address - start:x}";
    }
}
