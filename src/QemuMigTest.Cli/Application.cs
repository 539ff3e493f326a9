using System.Reflection;
using System.Text;
using QemuMigTest.Cli.Output;

namespace QemuMigTest.Cli;

/// <summary>The process: its standard streams, its signals, its exit code.</summary>
internal static class Application
{
    private const int Epipe = 32;

    private static readonly string[] LocaleVariables = ["LC_ALL", "LC_CTYPE", "LANG"];

    public static async Task<int> RunAsync(string[] args)
    {
        var standardOutput = new StandardStream(1);
        var standardError = new StandardStream(2);
        var preparation = new SuitePreparation();
        var context = new CommandContext
        {
            Out = Target(standardOutput, Console.IsOutputRedirected),
            Error = Target(standardError, Console.IsErrorRedirected),
            Suite = Assembly.Load("QemuMigTest.Conformance"),
            Host = preparation,
            Cleanup = preparation,
        };

        using var interruption = new Interruption();
        var outputError = 0;
        standardOutput.Broken = error =>
        {
            outputError = error;
            interruption.Fire(
                error == Epipe ? "the reader of its output, who has gone" : $"standard output, which can not be written to: {new System.ComponentModel.Win32Exception(error).Message}",
                error == Epipe ? ExitCode.OutputClosed : ExitCode.Failed);
        };

        var exitCode = await CommandLine.RunAsync(args, context, interruption);
        if (outputError == Epipe)
            return End(ExitCode.OutputClosed);
        if (outputError != 0)
        {
            context.Error.Writer.WriteLine($"qemu-mig-test: standard output can not be written to: {new System.ComponentModel.Win32Exception(outputError).Message}");
            return End(ExitCode.Failed);
        }
        return End(exitCode);

        // Tests that ignore the end of the run must not hold up the end of the process.
        int End(int code)
        {
            if (interruption.LeftThreads)
                Environment.Exit(code);
            return code;
        }
    }

    private static OutputTarget Target(Stream stream, bool redirected)
    {
        var writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 4096) { AutoFlush = true };
        var terminal = !redirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
        return new OutputTarget(writer, terminal, IsUtf8());
    }

    private static bool IsUtf8()
    {
        var locale = LocaleVariables.Select(Environment.GetEnvironmentVariable).FirstOrDefault(value => !string.IsNullOrEmpty(value)) ?? "";
        return locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase) || locale.Contains("UTF8", StringComparison.OrdinalIgnoreCase);
    }
}
