using NUnit.Framework;
using QemuMigTest.Oracles;
using Shouldly;

namespace QemuMigTest.Tests.Oracles;

public sealed class SettingsOracleTests
{
    private static readonly Dictionary<string, string> Before = new() { ["max-bandwidth"] = "134217728", ["mode"] = "\"normal\"" };

    [Test]
    public void What_is_as_it_was_set_is_no_finding() => SettingsOracle.Differences(Before, new Dictionary<string, string>(Before)).ShouldBeEmpty();

    [Test]
    public void What_changed_came_or_went_is_named_with_both_values() =>
        SettingsOracle.Differences(Before, new Dictionary<string, string> { ["max-bandwidth"] = "0", ["tls-creds"] = "\"tls0\"" }).Select(text => text.Split(" when")[0]).ShouldBe(
        [
            "max-bandwidth is 0; it was 134217728",
            "mode is none; it was \"normal\"",
            "tls-creds is \"tls0\"; it was none",
        ]);
}
