namespace QemuMigTest.Conformance.Rules;

/// <summary>The migration capabilities, and every rule of which go together. A change between versions is a row with a range, never an <c>if</c> in a test.</summary>
internal static class CapabilityTable
{
    private const string ZeroCopy = "Zero copy";
    private const string Background = "background-snapshot";

    /// <summary>All capabilities. One that is not here fails <c>/migration/rules/capabilities/known</c>; the other paths leave it off.</summary>
    public static readonly IReadOnlyList<KnownCapability> Known =
    [
        new("xbzrle", VersionRange.From(1, 2)),
        new("rdma-pin-all", VersionRange.From(2, 0)),
        new("auto-converge", VersionRange.From(1, 6)),
        // Deprecated; gone somewhere after 10.2.
        new("zero-blocks", VersionRange.From(1, 6).Until(11, 0)),
        new("compress", VersionRange.From(2, 4).Until(9, 1)),
        new("events", VersionRange.From(2, 4)),
        new("postcopy-ram", VersionRange.From(2, 6)),
        new("x-colo", VersionRange.From(2, 8)),
        new("release-ram", VersionRange.From(2, 9)),
        new("block", VersionRange.From(2, 10).Until(9, 1)),
        new("return-path", VersionRange.From(2, 10)),
        new("pause-before-switchover", VersionRange.From(2, 11)),
        new("multifd", VersionRange.From(4, 0)),
        new("dirty-bitmaps", VersionRange.From(2, 12)),
        new("postcopy-blocktime", VersionRange.From(3, 0)),
        new("late-block-activate", VersionRange.From(3, 0)),
        new("x-ignore-shared", VersionRange.From(4, 0)),
        new("validate-uuid", VersionRange.From(4, 2)),
        new(Background, VersionRange.From(6, 0)),
        new("zero-copy-send", VersionRange.From(7, 1)),
        new("postcopy-preempt", VersionRange.From(7, 1)),
        new("switchover-ack", VersionRange.From(8, 1)),
        new("dirty-limit", VersionRange.From(8, 1)),
        new("mapped-ram", VersionRange.From(9, 0)),
    ];

    /// <summary>What migrate-set-capabilities refuses.</summary>
    public static readonly IReadOnlyList<CapabilityRule> Rules =
    [
        CapabilityRule.Requires("postcopy-preempt", "postcopy-ram", "preempt", "postcopy-ram"),
        CapabilityRule.Requires("switchover-ack", "return-path", "switchover-ack", "return-path"),
        CapabilityRule.Needs("x-colo", "a build with replication", context => context.Replication, "replication", "COLO"),
        // Before, return-path takes COLO's messages for its own.
        CapabilityRule.Requires("x-colo", "return-path", "x-colo", "return-path").For(VersionRange.From(11, 0)),
        CapabilityRule.Requires("zero-copy-send", "multifd", ZeroCopy, "multifd"),
        CapabilityRule.Excludes("zero-copy-send", "xbzrle", ZeroCopy, "non-compressed"),
        CapabilityRule.Excludes("zero-copy-send", "compress", ZeroCopy, "non-compressed"),
        CapabilityRule.ExcludesParameter("zero-copy-send", "multifd-compression", state => state.Compressed, ZeroCopy, "non-compressed"),
        CapabilityRule.ExcludesParameter("zero-copy-send", "tls-creds", state => state.Tls, ZeroCopy, "non-TLS"),
        CapabilityRule.Excludes("postcopy-ram", "x-ignore-shared", "Postcopy", "ignore-shared"),
        // Refused until it was made to work; 7.2 does not look (docs/findings.md).
        CapabilityRule.Excludes("postcopy-ram", "multifd", "Postcopy", "multifd").For(VersionRange.From(8, 0).Until(10, 1)),
        CapabilityRule.Needs("postcopy-ram", "userfaultfd on a destination", context => !context.Destination || context.Userfaultfd, "Postcopy is not supported"),
        CapabilityRule.Excludes("multifd", "xbzrle", "Multifd", "xbzrle").For(VersionRange.From(8, 2)),
        CapabilityRule.Excludes("multifd", "compress", "Multifd", "compress"),
        CapabilityRule.Excludes("postcopy-preempt", "compress", "preempt", "compress"),
        CapabilityRule.Excludes("xbzrle", "compress", "Compression", "xbzrle").For(VersionRange.From(8, 2)),
        CapabilityRule.Excludes("mapped-ram", "xbzrle", "Mapped-ram", "xbzrle"),
        CapabilityRule.Excludes("mapped-ram", "postcopy-ram", "Mapped-ram", "postcopy"),
        CapabilityRule.Excludes("dirty-limit", "auto-converge", "dirty-limit", "auto-converge"),
        CapabilityRule.Needs("dirty-limit", "KVM with a dirty ring", context => context.DirtyRing, "dirty-limit", "dirty-ring-size"),
        CapabilityRule.Needs(Background, "userfaultfd", context => context.Userfaultfd, "Background-snapshot", "host"),
        .. ExcludedByBackgroundSnapshot().Select(other => CapabilityRule.Excludes(Background, other, "Background-snapshot", other)),
        CapabilityRule.BeforeIncoming("multifd", "Multifd", "before incoming").For(VersionRange.From(8, 1)),
        CapabilityRule.BeforeIncoming("postcopy-preempt", "preempt", "before incoming").For(VersionRange.From(8, 1)),
        .. RefusedAgain("multifd", "Multifd"),
        .. RefusedAgain("postcopy-preempt", "preempt"),
    ];

    /// <summary>What migrate-set-parameters refuses because of capabilities.</summary>
    public static readonly IReadOnlyList<CapabilityRule> ParameterRules =
    [
        CapabilityRule.ExcludesParameter("zero-copy-send", "multifd-compression", state => state.Compressed, ZeroCopy, "non-compressed"),
        CapabilityRule.ExcludesParameter("zero-copy-send", "tls-creds", state => state.Tls, ZeroCopy, "non-TLS"),
        // QEMU looks at what is set and not at what would be: mapped-ram and compression are accepted, whichever comes first, and from then on
        // nothing is, not even what would mend it (docs/findings.md).
        new CapabilityRule(new("mapped-ram together with compression or TLS locks the parameters", "Mapped-ram", "non-compressed non-TLS"),
            (before, _, _) => before.Has("mapped-ram") && (before.Compressed || before.Tls)),
    ];

    private static string[] ExcludedByBackgroundSnapshot() =>
    [
        "postcopy-ram", "dirty-bitmaps", "postcopy-blocktime", "late-block-activate", "return-path", "multifd", "pause-before-switchover", "auto-converge", "release-ram",
        "rdma-pin-all", "compress", "xbzrle", "x-colo", "validate-uuid", "zero-copy-send",
    ];

    // From 8.1 what had to be set before migrate-incoming was refused even when it was set already; mended in 9.2.4 and 10.0.2.
    private static IEnumerable<CapabilityRule> RefusedAgain(string capability, string word)
    {
        var reason = new Refusal($"{capability} is on, and migrate-incoming was executed", word, "before incoming");
        var rule = new CapabilityRule(reason, (_, after, context) => context.Listening && after.Has(capability));
        return [rule.For(VersionRange.From(8, 1).Until(9, 2, 4)), rule.For(VersionRange.From(10, 0).Until(10, 0, 2))];
    }
}
