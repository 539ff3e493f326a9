using System.Diagnostics;
using System.Globalization;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;
using NUnit.Framework.Internal.Commands;

namespace QemuMigTest.NUnit;

/// <summary>Makes a failure of a test that ignored its token and passed after its time limit; NUnit would let it pass.</summary>
internal sealed class TimeLimitCommand(TestCommand inner) : DelegatingTestCommand(inner)
{
    /// <inheritdoc/>
    public override TestResult Execute(TestExecutionContext context)
    {
        if (Test.Properties.Get(PropertyNames.Timeout) is not int limit)
            return innerCommand.Execute(context);

        // Only for the message with which NUnit reports that it cancelled the test.
        context.TestCaseTimeout = limit;
        var started = Stopwatch.GetTimestamp();
        innerCommand.Execute(context);
        var took = Stopwatch.GetElapsedTime(started);
        // Under a debugger NUnit does not cancel either.
        if (!Debugger.IsAttached
            && took.TotalMilliseconds > limit
            && context.CurrentResult.ResultState.Status == TestStatus.Passed)
        {
            context.CurrentResult.SetResult(ResultState.Failure, string.Create(
                CultureInfo.InvariantCulture,
                $"The test found nothing wrong, but took {took.TotalSeconds:0.0##} s, and its limit is {limit / 1000.0:0.###} s. It ignored its cancellation token."));
        }
        return context.CurrentResult;
    }
}
