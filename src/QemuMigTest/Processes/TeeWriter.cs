using System.Text;

namespace QemuMigTest.Processes;

/// <summary>Writes what it gets to a writer of its own, which it closes, and to one that others share, which it does not.</summary>
internal sealed class TeeWriter(TextWriter own, TextWriter shared) : TextWriter
{
    public override Encoding Encoding => own.Encoding;

    public override void Write(char value)
    {
        own.Write(value);
        shared.Write(value);
    }

    // A line in one call, so that lines of several QEMUs do not mix.
    public override void WriteLine(string? value)
    {
        own.WriteLine(value);
        shared.WriteLine(value);
    }

    public override void Flush() => own.Flush();

    public override async ValueTask DisposeAsync()
    {
        await own.DisposeAsync();
        await base.DisposeAsync();
    }
}
