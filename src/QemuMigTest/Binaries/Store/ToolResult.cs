namespace QemuMigTest.Binaries.Store;

/// <summary>How a program ended and what it said.</summary>
internal sealed record ToolResult(string Tool, int ExitCode, string Output, string Error)
{
    private const int TailLines = 8;
    private const int SignalBase = 128;
    private const int Sigint = 2;

    /// <summary>Whether it, or a program that it had started, was ended by SIGINT.</summary>
    public bool WasInterrupted => ExitCode == SignalBase + Sigint
        || (ExitCode != 0 && (Error.Contains("signal 2", StringComparison.Ordinal) || Error.Contains("(Interrupt)", StringComparison.Ordinal)));

    /// <exception cref="QemuStoreException">It failed: what for, how, its last lines of stderr, and the remedy.</exception>
    public ToolResult OrThrow(string what) => ExitCode == 0 ? this : throw Failure(what, Ending);

    /// <summary>The error that says what failed and shows the end of stderr.</summary>
    public QemuStoreException Failure(string what, string how)
    {
        var said = Error.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).TakeLast(TailLines).ToList();
        var lines = said.Count == 0 ? [$"{what} failed: {how} and said nothing on stderr."] : said.Select(line => "  " + line).Prepend($"{what} failed: {how}:");
        return new QemuStoreException(string.Join('\n', lines.Append(StoreRemedies.For(Error))));
    }

    private string Ending => ExitCode > SignalBase ? $"{Tool} was ended by signal {ExitCode - SignalBase}" : $"{Tool} exited with {ExitCode}";
}
