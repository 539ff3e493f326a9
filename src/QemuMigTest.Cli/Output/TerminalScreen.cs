using Spectre.Console;

namespace QemuMigTest.Cli.Output;

/// <summary>Lines on a terminal, coloured, broken at words; below them, some that come and go.</summary>
internal sealed class TerminalScreen : IScreen
{
    private readonly TextWriter _writer;
    private readonly bool _colors;
    private readonly bool _utf8;
    private readonly BufferOutput _buffer = new(new StringWriter());
    private readonly IAnsiConsole _console;
    private string _live = "";
    private string _eraseLive = "";

    public TerminalScreen(TextWriter writer, bool colors, bool utf8)
    {
        _writer = writer;
        _colors = colors;
        _utf8 = utf8;
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = colors ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = _buffer,
        });
        _console.Profile.Capabilities.Unicode = utf8;
    }

    /// <inheritdoc/>
    public int? Width => _buffer.Width;

    /// <summary>How many lines the terminal has.</summary>
    public int Height => _buffer.Height;

    /// <inheritdoc/>
    public (string Passed, string Failed, string Skipped) Marks => _utf8 ? ("✓", "✗", "–") : ("ok  ", "FAIL", "skip");

    /// <summary>What stands before a test that runs.</summary>
    public string RunningMark => _utf8 ? "▸" : ">   ";

    /// <inheritdoc/>
    public void Line(int indent, params ReadOnlySpan<Piece> pieces)
    {
        var paragraph = new Paragraph();
        foreach (var piece in pieces)
            paragraph.Append(piece.Text, StyleOf(piece.Tone));
        if (paragraph.Length == 0)
            _console.WriteLine();
        else
            _console.Write(new Padder(paragraph, new Padding(indent, 0, 0, 0)));
        Show(_buffer.Take(), _live, _eraseLive);
    }

    /// <summary>Shows these lines below all others, in place of those that are there; each is cut to the width of the terminal.</summary>
    public void ShowLive(IReadOnlyList<Piece[]> lines)
    {
        for (var i = 0; i < lines.Count; i++)
        {
            // A full last column would wrap the cursor.
            var room = _buffer.Width - 1;
            var paragraph = new Paragraph();
            foreach (var piece in lines[i])
            {
                var text = piece.Text.Length <= room ? piece.Text : piece.Text[..room];
                paragraph.Append(text, StyleOf(piece.Tone));
                room -= text.Length;
            }
            _console.Write(paragraph);
            if (i < lines.Count - 1)
                _console.WriteLine();
        }
        var erase = lines.Count switch
        {
            0 => "",
            1 => "\r\e[J",
            _ => $"\r\e[{lines.Count - 1}A\e[J",
        };
        Show("", _buffer.Take(), erase);
    }

    // In one write, so that nothing flickers.
    private void Show(string text, string live, string eraseLive)
    {
        _writer.Write($"{_eraseLive}{text}{live}");
        _writer.Flush();
        _live = live;
        _eraseLive = eraseLive;
    }

    private Style StyleOf(Tone tone) => !_colors ? Style.Plain : tone switch
    {
        Tone.Strong => new Style(decoration: Decoration.Bold),
        Tone.Faint => new Style(foreground: Color.Grey),
        Tone.Good => new Style(foreground: Color.Green),
        Tone.Bad => new Style(foreground: Color.Red, decoration: Decoration.Bold),
        Tone.Warning => new Style(foreground: Color.Yellow),
        _ => Style.Plain,
    };
}
