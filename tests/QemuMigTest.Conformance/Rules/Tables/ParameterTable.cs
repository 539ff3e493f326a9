namespace QemuMigTest.Conformance.Rules;

/// <summary>The migration parameters: defaults, ranges, what they exclude. A change between versions is a row with a range.</summary>
internal static class ParameterTable
{
    private const long MiB = 1 << 20;

    private static readonly string LongestAlias = new('a', 255);

    /// <summary>All parameters. One that is not here fails <c>/migration/rules/parameters/known</c>; the other paths leave it as it is.</summary>
    public static readonly IReadOnlyList<ParameterRule> Known =
    [
        ParameterRule.Integer("announce-initial", 50, 0, 100000, 64, "0", "100000").For(VersionRange.From(4, 0)),
        ParameterRule.Integer("announce-max", 550, 0, 100000, 64, "0", "100000").For(VersionRange.From(4, 0)),
        ParameterRule.Integer("announce-rounds", 5, 0, 1000, 64, "0", "1000").For(VersionRange.From(4, 0)),
        // The error says "between 0", and 0 is refused.
        ParameterRule.Integer("announce-step", 100, 1, 10000, 64, "10000").For(VersionRange.From(4, 0)),
        ParameterRule.Integer("throttle-trigger-threshold", 50, 1, 100, 8, "1", "100").For(VersionRange.From(5, 0)),
        ParameterRule.Integer("cpu-throttle-initial", 20, 1, 99, 8, "1", "99").For(VersionRange.From(2, 7)),
        ParameterRule.Integer("cpu-throttle-increment", 10, 1, 99, 8, "1", "99").For(VersionRange.From(2, 7)),
        // From cpu-throttle-initial, which is 20.
        ParameterRule.Integer("max-cpu-throttle", 99, 20, 99, 8, "cpu-throttle-initial", "99").For(VersionRange.From(3, 1)),
        ParameterRule.Boolean("cpu-throttle-tailslow").For(VersionRange.From(5, 1)),
        ParameterRule.Unlimited("max-bandwidth", 128 * MiB).For(VersionRange.From(2, 8)),
        ParameterRule.Unlimited("avail-switchover-bandwidth", 0).For(VersionRange.From(8, 2)),
        ParameterRule.Unlimited("max-postcopy-bandwidth", 0).For(VersionRange.From(3, 0)),
        ParameterRule.Integer("downtime-limit", 300, 0, 2_000_000, 64, "0", "2000").For(VersionRange.From(2, 8)),
        ParameterRule.Integer("x-checkpoint-delay", 20000, 0, uint.MaxValue, 32).For(VersionRange.From(2, 8)),
        ParameterRule.Integer("multifd-channels", 2, 1, 255, 8, "1", "255").For(VersionRange.From(4, 0)),
        ParameterRule.Enumeration("multifd-compression", "none").For(VersionRange.From(5, 0)),
        ParameterRule.Integer("multifd-zlib-level", 1, 0, 9, 8, "0", "9").For(VersionRange.From(8, 0)),
        ParameterRule.Integer("multifd-zstd-level", 1, 0, 20, 8, "0", "20").For(VersionRange.From(8, 0)),
        // Before 8.0 any number that fits is accepted and not applied (docs/findings.md).
        NotApplied("multifd-zlib-level"),
        NotApplied("multifd-zstd-level"),
        ParameterRule.Integer("multifd-qatzip-level", 1, 1, 9, 8, "1", "9").For(VersionRange.From(9, 2)),
        ParameterRule.PowerOfTwo("xbzrle-cache-size", 64 * MiB, 4096, 1L << 62, "power of two").For(VersionRange.From(2, 11)),
        ParameterRule.PowerOfTwo("x-rdma-chunk-size", MiB, MiB, 1024 * MiB, "power of 2").For(VersionRange.From(11, 1)),
        ParameterRule.Integer("x-vcpu-dirty-limit-period", 1000, 1, 1000, 64, "1", "1000").For(VersionRange.From(8, 1)),
        ParameterRule.Unlimited("vcpu-dirty-limit", 1, lowest: 1).For(VersionRange.From(8, 1)),
        ParameterRule.Text("tls-creds").For(VersionRange.From(2, 7)),
        ParameterRule.Text("tls-hostname").For(VersionRange.From(2, 7)),
        ParameterRule.Text("tls-authz").For(VersionRange.From(4, 0)),
        ParameterRule.Enumeration("mode", "normal").For(VersionRange.From(8, 2)),
        ParameterRule.Enumeration("zero-page-detection", "multifd").BeforeMachineOf(9, 0, "\"legacy\"").For(VersionRange.From(9, 0)),
        ParameterRule.Boolean("direct-io").For(VersionRange.From(9, 1)),
        new ParameterRule("cpr-exec-command", "[]")
        {
            Versions = VersionRange.From(10, 2),
            Accepted = [("[\"a\",\"b c\",\"\"]", "[\"a\",\"b c\",\"\"]"), ("[]", "[]")],
            Refused =
            [
                .. ParameterRule.Each(new("cpr-exec-command is a list", "cpr-exec-command", "array"), "\"a\"", "0", "true", "null", "{}"),
                ("[\"a\",5]", new Refusal("its elements are strings", "cpr-exec-command[1]", "string")),
            ],
        },
        ParameterRule.Integer("compress-level", 1, 0, 9, 8, "0", "9").For(VersionRange.To(9, 1)),
        ParameterRule.Integer("compress-threads", 8, 1, 255, 8, "1", "255").For(VersionRange.To(9, 1)),
        ParameterRule.Integer("decompress-threads", 2, 1, 255, 8, "1", "255").For(VersionRange.To(9, 1)),
        ParameterRule.Boolean("compress-wait-thread", standard: true).For(VersionRange.To(9, 1)),
        ParameterRule.Boolean("block-incremental").For(VersionRange.To(9, 1)),
    ];

    /// <summary>Commands one after the other on one QEMU: what several parameters do together. Null for accepted.</summary>
    public static readonly IReadOnlyList<(string Json, Refusal? Reason)> Together =
    [
        ("{}", null),
        ("""{"cpu-throttle-initial":50,"max-cpu-throttle":60}""", null),
        ("""{"cpu-throttle-initial":70}""", Throttle),
        ("""{"max-cpu-throttle":49}""", Throttle),
        ("""{"max-cpu-throttle":50}""", null),
        ("""{"max-cpu-throttle":40,"cpu-throttle-initial":30}""", null),
        ("""{"cpu-throttle-initial":41,"max-cpu-throttle":40}""", Throttle),
        ("""{"announce-max":600,"announce-step":0}""", Step),
        ("""{"announce-step":0,"announce-max":600}""", Step),
        ("""{"announce-max":600,"nonesuch":5}""", Unknown),
        ("""{"nonesuch":5}""", Unknown),
        ("""{"announce_max":600}""", new("names are not spelt with _", "announce_max", "unexpected")),
        ("""{"announce-max":600,"announce-step":200,"announce-rounds":7,"downtime-limit":400}""", null),
        ("""{"announce-max":600,"announce-step":200,"announce-rounds":7,"downtime-limit":400}""", null),
        ("""{"announce-max":700,"multifd-channels":0}""", new("one of several is wrong", "multifd-channels", "1", "255")),
        ("""{"block-bitmap-mapping":"x"}""", new("it is a list", "block-bitmap-mapping", "array")),
        ("""{"block-bitmap-mapping":["x"]}""", new("its elements are objects", "block-bitmap-mapping[0]", "object")),
        ("""{"block-bitmap-mapping":[]}""", null),
        ("""{"block-bitmap-mapping":[{"node-name":"n","alias":"a","bitmaps":[{"name":"b","alias":"c"}]}]}""", null),
        ("""{"block-bitmap-mapping":[{"node-name":"n","alias":"a","bitmaps":[]},{"node-name":"n","alias":"b","bitmaps":[]}]}""", new("a node is mapped once", "block-bitmap-mapping", "'n'", "twice")),
        ("""{"block-bitmap-mapping":[{"node-name":"n","alias":"a","bitmaps":[]},{"node-name":"m","alias":"a","bitmaps":[]}]}""", new("an alias is used once", "block-bitmap-mapping", "'a'", "twice")),
        ("""{"block-bitmap-mapping":[{"node-name":"n","alias":"a","bitmaps":[{"name":"b","alias":"c"},{"name":"b","alias":"d"}]}]}""", new("a bitmap is mapped once", "block-bitmap-mapping", "'b'", "twice")),
        ("""{"block-bitmap-mapping":[{"node-name":"n","alias":"a","bitmaps":[{"name":"b","alias":"c"},{"name":"d","alias":"c"}]}]}""", new("an alias of a bitmap is used once in its node", "block-bitmap-mapping", "'c'", "twice")),
        ("""{"block-bitmap-mapping":[{"node-name":"n","alias":"a","bitmaps":[{"name":"b","alias":"c"}]},{"node-name":"m","alias":"e","bitmaps":[{"name":"b","alias":"c"}]}]}""", null),
        ($$"""{"block-bitmap-mapping":[{"node-name":"n","alias":"{{LongestAlias}}","bitmaps":[{"name":"b","alias":"{{LongestAlias}}"}]}]}""", null),
        ($$"""{"block-bitmap-mapping":[{"node-name":"n","alias":"{{LongestAlias}}a","bitmaps":[]}]}""", new("its length is one byte in the stream", "block-bitmap-mapping", "255")),
        ($$"""{"block-bitmap-mapping":[{"node-name":"n","alias":"a","bitmaps":[{"name":"b","alias":"{{LongestAlias}}a"}]}]}""", new("its length is one byte in the stream", "block-bitmap-mapping", "255")),
        ("""{"block-bitmap-mapping":[]}""", null),
    ];

    /// <summary>Parameters that the query leaves out until they are set.</summary>
    public static readonly IReadOnlyList<string> NotShown = ["block-bitmap-mapping"];

    private static Refusal Throttle => new("max-cpu-throttle is not below cpu-throttle-initial", "max-cpu-throttle", "cpu-throttle-initial to 99");

    private static Refusal Step => new("announce-step is at least 1", "announce-step", "10000");

    private static Refusal Unknown => new("the parameter must exist", "nonesuch", "unexpected");

    private static ParameterRule NotApplied(string name) => new(name, "1")
    {
        Versions = VersionRange.From(5, 0).Until(8, 0),
        Accepted = [("0", "1"), ("9", "1"), ("21", "1"), ("255", "1")],
        Refused = [("256", new Refusal("it has 8 bits", name, "uint8")), ("\"5\"", new Refusal("it is a number", name, "uint64"))],
    };
}
