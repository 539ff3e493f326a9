using System.Globalization;
using NUnit.Framework;

namespace QemuMigTest.NUnit;

/// <summary>The factor by which every time limit is stretched: for slow machines, valgrind and sanitizer builds.</summary>
public static class TimeoutScale
{
    /// <summary>The NUnit test parameter that sets it; stronger than the variable.</summary>
    public const string Parameter = "timeout-scale";

    /// <summary>The environment variable that sets it.</summary>
    public const string Variable = "QEMU_MIG_TEST_TIMEOUT_SCALE";

    /// <summary>What a factor has to be, for messages.</summary>
    public const string Wanted = "a number from 0.01 to 10000 such as 2.5";

    // Above it the limit of the longest test no longer fits into the timers that keep it.
    private const double Largest = 10_000;
    private const double Smallest = 0.01;

    /// <summary>The factor that is set; 1 if none is.</summary>
    /// <exception cref="FormatException">What is set is no factor; the message says where it is set.</exception>
    public static double Read()
    {
        if (TestContext.Parameters.Get(Parameter) is { } parameter)
            return Parse(parameter, $"The test parameter '{Parameter}'");
        return ReadVariable();
    }

    /// <summary>The factor that the environment sets; 1 if it sets none.</summary>
    /// <exception cref="FormatException">The variable is no factor.</exception>
    public static double ReadVariable()
    {
        var variable = Environment.GetEnvironmentVariable(Variable);
        return string.IsNullOrEmpty(variable) ? 1 : Parse(variable, Variable);
    }

    /// <summary>Whether <paramref name="text"/> is a factor: a number from 0.01 to 10000, with a decimal point.</summary>
    public static bool TryParse(string text, out double scale) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out scale) && scale is >= Smallest and <= Largest;

    private static double Parse(string text, string source) =>
        TryParse(text, out var scale) ? scale : throw new FormatException($"{source} is '{text}', wanted {Wanted}.");
}
