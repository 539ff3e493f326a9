namespace QemuMigTest.Conformance.Rules;

/// <summary>What capabilities require, so that a pair can be tried with it.</summary>
internal static class CapabilityNeeds
{
    private static readonly IReadOnlyDictionary<string, string> Needed = new Dictionary<string, string>
    {
        ["postcopy-preempt"] = "postcopy-ram",
        ["zero-copy-send"] = "multifd",
        ["switchover-ack"] = "return-path",
        ["x-colo"] = "return-path",
    };

    /// <summary>What must be on for these to be accepted.</summary>
    public static IEnumerable<string> Of(params IEnumerable<string> capabilities) => capabilities.Where(Needed.ContainsKey).Select(name => Needed[name]).Distinct();
}
