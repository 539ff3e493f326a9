using NUnit.Framework;
using QemuMigTest.Cli.Catalogue;
using Shouldly;

namespace QemuMigTest.Tests.Catalogue;

public sealed class LineDifferenceTests
{
    [TestCase("a\nb\nc", "a\nb\nc", "")]
    [TestCase("a\nb\nc", "a\nx\nc", "-2: b, +2: x")]
    [TestCase("a\nc", "a\nb\nc", "+2: b")]
    [TestCase("a\nb\nc", "b\nc\nd", "-1: a, +3: d")]
    [TestCase("", "a", "-1: , +1: a")]
    public void Lines_that_differ_are_named_on_both_sides(string from, string to, string wanted) =>
        string.Join(", ", LineDifference.Between(from, to)).ShouldBe(wanted);

    [FsCheck.NUnit.Property]
    public void Taking_away_and_adding_what_is_named_makes_one_of_the_other(int[] from, int[] to)
    {
        var lines = TextOf(from).Split('\n').ToList();

        var differences = LineDifference.Between(TextOf(from), TextOf(to));
        foreach (var line in differences.Where(line => line[0] == '-').Reverse())
            lines.RemoveAt(NumberOf(line) - 1);
        foreach (var line in differences.Where(line => line[0] == '+'))
            lines.Insert(NumberOf(line) - 1, line[(line.IndexOf(':', StringComparison.Ordinal) + 2)..]);

        string.Join('\n', lines).ShouldBe(TextOf(to));
    }

    // Few different lines, so that some are equal.
    private static string TextOf(int[] numbers) => string.Join('\n', numbers.Select(number => number % 4));

    private static int NumberOf(string line) => int.Parse(line[1..line.IndexOf(':', StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture);
}
