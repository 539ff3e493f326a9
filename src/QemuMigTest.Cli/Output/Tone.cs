namespace QemuMigTest.Cli.Output;

/// <summary>How a piece of text is meant; a terminal shows it by colour.</summary>
internal enum Tone
{
    Plain,
    Strong,
    Faint,
    Good,
    Bad,
    Warning,
}
