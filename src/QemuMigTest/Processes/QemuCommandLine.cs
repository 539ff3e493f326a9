using System.Collections.Immutable;

namespace QemuMigTest.Processes;

/// <summary>The arguments of a QEMU, option by option; immutable.</summary>
public sealed record QemuCommandLine
{
    private static readonly System.Buffers.SearchValues<char> PlainInShell =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%");

    private readonly ImmutableArray<string> _arguments = [];

    /// <summary>The arguments as they are passed.</summary>
    public IReadOnlyList<string> Arguments => _arguments;

    /// <summary>The same with one option more, such as <c>-m 150M</c>; <paramref name="value"/> null for an option without one.</summary>
    public QemuCommandLine With(string option, string? value = null) =>
        new(value is null ? _arguments.Add(option) : _arguments.Add(option).Add(value));

    /// <summary>The same with these arguments behind.</summary>
    public QemuCommandLine With(IEnumerable<string> arguments) => new(_arguments.AddRange(arguments));

    /// <summary>A path as the value of a <c>key=value,...</c> list: commas doubled.</summary>
    public static string InList(string path) => path.Replace(",", ",,", StringComparison.Ordinal);

    /// <summary>The arguments for a person to paste into a shell.</summary>
    public override string ToString() => Quote(_arguments);

    /// <summary>Words quoted where a POSIX shell needs it.</summary>
    public static string Quote(IEnumerable<string> words) => string.Join(' ', words.Select(word =>
        word.Length > 0 && !word.AsSpan().ContainsAnyExcept(PlainInShell) ? word : $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'"));

    public QemuCommandLine()
    {
    }

    private QemuCommandLine(ImmutableArray<string> arguments) => _arguments = arguments;
}
