using System.Text;
using Spectre.Console;

namespace QemuMigTest.Cli.Output;

/// <summary>Lets Spectre.Console lay out text for the terminal into memory; what it makes is then written in one go.</summary>
internal sealed class BufferOutput(StringWriter text) : IAnsiConsoleOutput
{
    /// <inheritdoc/>
    public TextWriter Writer => text;

    /// <inheritdoc/>
    public bool IsTerminal => true;

    /// <inheritdoc/>
    public int Width => Math.Max(Console.WindowWidth, 20);

    /// <inheritdoc/>
    public int Height => Math.Max(Console.WindowHeight, 5);

    /// <inheritdoc/>
    public void SetEncoding(Encoding encoding)
    {
    }

    /// <summary>What has been laid out since this was last asked.</summary>
    public string Take()
    {
        var taken = text.ToString();
        text.GetStringBuilder().Clear();
        return taken;
    }
}
