using System.Globalization;

namespace QemuMigTest.Guests.State;

/// <summary>What the state guest found changed: one line on its serial line.</summary>
/// <param name="Vcpu">The vCPU that looked, 0 for the first.</param>
/// <param name="Item">What: <see cref="StateProgram.NameOf"/>.</param>
/// <param name="Expected">What it should be.</param>
/// <param name="Seen">What it is, and is expected from here on.</param>
/// <param name="Lap">That vCPU's lap.</param>
public sealed record StateDamage(int Vcpu, uint Item, ulong Expected, ulong Seen, ulong Lap)
{
    private const char Mark = '!';
    private const int Numbers = 5;

    /// <summary>Reads a serial line: 'A', 'B', and lines such as <c>!1 405 1234 0 2f</c> between.</summary>
    /// <param name="text">All that was written. A line at its end that is not whole is left out.</param>
    /// <param name="strange">A sentence for each line that is something else, which it quotes. It takes nothing from the lines that are whole.</param>
    public static IReadOnlyList<StateDamage> Parse(string text, out IReadOnlyList<string> strange)
    {
        ArgumentNullException.ThrowIfNull(text);
        var others = new List<string>();
        strange = others;
        var found = new List<StateDamage>();
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i];
            if (!line.StartsWith(Mark))
            {
                if (line.AsSpan().IndexOfAnyExcept('A', 'B') is >= 0 and var other)
                {
                    others.Add($"The state guest wrote 0x{(int)line[other]:x2} in \"{line}\" of its serial line, where only A and B can be.");
                }
            }
            else if (i < lines.Length - 1)
            {
                if (ParseLine(line) is { } damage)
                {
                    found.Add(damage);
                }
                else
                {
                    others.Add($"The state guest wrote \"{line}\", which is not a vCPU, an item, what was expected, what was seen and a lap.");
                }
            }
        }

        return found;
    }

    /// <summary>What was found, for people.</summary>
    public string Describe(StateProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        return $"vCPU {Vcpu}: {program.NameOf(Item)}: expected 0x{Expected:x}, seen 0x{Seen:x} (lap {Lap})";
    }

    private static StateDamage? ParseLine(string line)
    {
        var words = line[1..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var numbers = new ulong[Numbers];
        var whole = words.Length == Numbers
            && words.Select((word, i) => ulong.TryParse(word, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out numbers[i])).All(read => read)
            && numbers[0] < StateGuestSettings.MostVcpus && numbers[1] <= uint.MaxValue;
        return whole ? new((int)numbers[0], (uint)numbers[1], numbers[2], numbers[3], numbers[4]) : null;
    }
}
