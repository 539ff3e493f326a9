namespace QemuMigTest.Conformance.Rules;

/// <summary>What migrate refuses because of capabilities, parameters and transports.</summary>
internal static class MigrateTable
{
    private const string File = "file:/nonexistent/migration";
    private const string Tcp = "tcp:127.0.0.1:1";
    private const string Nothing = "{}";

    /// <summary>All rows.</summary>
    public static readonly IReadOnlyList<MigrateRule> Rows =
    [
        Seekable(Tcp), Seekable("unix:/nonexistent/socket"), Seekable("exec:true"),
        new("mapped-ram", """{"multifd-compression":"zlib"}""", File, new("mapped-ram excludes compression", "compression", "mapped-ram")),
        new("mapped-ram", """{"tls-creds":"nobody"}""", File, new("mapped-ram excludes TLS", "TLS", "mapped-ram")),
        Channels("multifd", "exec:true"), Channels("multifd", File), Channels("multifd", "fd:none"), Channels("postcopy-ram postcopy-preempt", "exec:true"),
        Cpr("postcopy-ram", "postcopy"), Cpr("background-snapshot", "background snapshot"), Cpr("x-colo return-path", "COLO"),
        new("", """{"mode":"cpr-transfer"}""", "unix:/nonexistent/socket", new("cpr-transfer has a channel of its own, and RAM that it can hand on", "cpr")),
        new("", """{"mode":"cpr-exec"}""", File, new("cpr-exec has a command to execute", "cpr-exec-command")),
        Address("tcp:nowhere", "nowhere"), Address("unix:", "Unix socket"),
        new MigrateRule("", Nothing, "", new("the protocol must exist", "protocol")).FailingIn(VersionRange.To(8, 2)),
        new MigrateRule("", Nothing, "nonesuch:x", new("the protocol must exist", "protocol")).FailingIn(VersionRange.To(8, 2)),
        new MigrateRule("", Nothing, "fd:none", new("the descriptor must be there", "'none'", "not been found")).FailingIn(VersionRange.Always),
        new MigrateRule("", Nothing, File, new("the file can be made", "No such file or directory")).For(VersionRange.From(8, 2)).FailingIn(VersionRange.Always),
        new MigrateRule("", Nothing, $"{File},offset=-1", new("the offset is not negative", "bad offset -1")).For(VersionRange.From(8, 2)),
        new MigrateRule("", Nothing, $"{File},offset=x", new("the offset is a number", "offset")).For(VersionRange.From(8, 2)),
    ];

    private static MigrateRule Seekable(string uri) => new("mapped-ram", Nothing, uri, new("mapped-ram wants a file", "seekable transport"));

    private static MigrateRule Channels(string capabilities, string uri) =>
        new MigrateRule(capabilities, Nothing, uri, new($"{capabilities} has several channels", "multi-channel")).For(VersionRange.From(8, 2));

    private static MigrateRule Cpr(string capabilities, string word) => new(capabilities, """{"mode":"cpr-reboot"}""", File, new($"CPR excludes {word}", word, "CPR"));

    private static MigrateRule Address(string uri, string word) => new MigrateRule("", Nothing, uri, new("the address can be read", word)).FailingIn(VersionRange.To(8, 2));
}
