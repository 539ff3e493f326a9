using QemuMigTest.Binaries.Store;
using QemuMigTest.Cli.Output;
using Spectre.Console;

namespace QemuMigTest.Cli;

/// <summary>Shows how far a fetch is: bars on a terminal, a line for each stage elsewhere.</summary>
internal static class QemuStoreCommandsProgress
{
    /// <summary>Runs the work and shows what it reports on <paramref name="error"/>, which keeps standard output for results.</summary>
    public static async Task<T> RunAsync<T>(OutputTarget error, Func<IProgress<StoreProgress>, Task<T>> work)
    {
        if (!error.IsTerminal) return await work(new Lines(error.Writer));
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error.Writer) });
        return await console.Progress()
            .AutoClear(true)
            .Columns(new SpinnerColumn(), new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .StartAsync(context => work(new Bars(context)));
    }

    private sealed class Lines(TextWriter output) : IProgress<StoreProgress>
    {
        private readonly Lock _lock = new();
        private readonly HashSet<StoreStage> _said = [];

        public void Report(StoreProgress value)
        {
            lock (_lock)
            {
                if (_said.Add(value.Stage) && value.Stage != StoreStage.Done) output.WriteLine(value.Text);
            }
        }
    }

    private sealed class Bars(ProgressContext context) : IProgress<StoreProgress>
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<StoreStage, ProgressTask> _tasks = [];

        public void Report(StoreProgress value)
        {
            lock (_lock)
            {
                if (!_tasks.TryGetValue(value.Stage, out var task))
                {
                    // What had nothing to count has ended when the next stage begins.
                    foreach (var earlier in _tasks.Values.Where(earlier => earlier.IsIndeterminate)) earlier.IsIndeterminate(false).Value(earlier.MaxValue);
                    _tasks[value.Stage] = task = context.AddTask(Markup.Escape(value.Text)).IsIndeterminate(value.Total == 0);
                }
                if (value.Total > 0) task.MaxValue(value.Total).Value(value.Done);
            }
        }
    }
}
