using System.CommandLine;
using System.CommandLine.Invocation;

namespace QemuMigTest.Cli;

/// <summary>Prints a line.</summary>
internal sealed class PrintAction(Func<ParseResult, string> text) : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine(text(parseResult));
        return ExitCode.Passed;
    }
}
