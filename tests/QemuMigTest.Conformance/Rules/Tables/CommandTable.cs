namespace QemuMigTest.Conformance.Rules;

/// <summary>The commands of migration, and at which stages they are refused.</summary>
internal static class CommandTable
{
    private const string Somewhere = """{"uri":"tcp:127.0.0.1:1"}""";
    private const string Anywhere = """{"uri":"tcp:127.0.0.1:0"}""";
    private const string Nowhere = """{"uri":"nonesuch:x"}""";

    /// <summary>All rows.</summary>
    public static readonly IReadOnlyList<CommandRule> Rows =
    [
        new(Stage.All, "migrate", "{}", new("a migration has an address", "uri")),
        new(Stage.All, "migrate", """{"uri":5}""", new("a URI is a string", "uri", "string")),
        new(Stage.All, "migrate", """{"uri":"tcp:127.0.0.1:1","nonesuch":1}""", new("there is no other argument", "nonesuch", "unexpected")),
        new CommandRule(Stage.All, "migrate", Nowhere, new("the protocol must exist", "protocol", "nonesuch")).For(VersionRange.From(8, 2)),
        new(Stage.All & ~Stage.PostcopyPaused, "migrate", """{"uri":"tcp:127.0.0.1:1","resume":true}""", new("only what is paused is resumed", "Cannot resume")),
        new(Stage.Sending, "migrate", Somewhere, new("one migration at a time", "in progress")),
        new(Stage.Expecting, "migrate", Somewhere, new("a destination that waits has no guest to send", "waiting for an incoming migration")),
        new(Stage.Completed, "migrate", Somewhere, new("the guest has left", "previous migration")),

        new(Stage.Source, "migrate-incoming", Anywhere, new("a source does not listen", "'-incoming'")),
        new(Stage.Waiting, "migrate-incoming", Nowhere, new("the protocol must exist", "protocol", "nonesuch")),
        new(Stage.Waiting, "migrate-incoming", "{}", new("what is listened on has an address", "uri")),
        new(Stage.Listening | Stage.Receiving | Stage.Arrived | Stage.PostcopyReceiving | Stage.PostcopyWaiting, "migrate-incoming", Anywhere,
            new("it listens once", "already been started")),

        new(Stage.Sending, "migrate-set-capabilities", """{"capabilities":[]}""", new("no capability is set while a migration runs", "in progress")),
        new(Stage.Sending, "migrate-set-capabilities", """{"capabilities":[{"capability":"validate-uuid","state":true}]}""",
            new("no capability is set while a migration runs", "in progress")),
        new(Stage.Sending, "migrate-set-capabilities", """{"capabilities":[{"capability":"events","state":true}]}""",
            new("no capability is set while a migration runs, not even to what it is", "in progress")),
        new(Stage.All, "migrate-set-parameters", """{"announce-step":0}""", new("announce-step is at least 1", "announce-step")),
        new(Stage.All, "migrate-set-parameters", """{"max-bandwidth":"1"}""", new("max-bandwidth is a number", "max-bandwidth")),

        new(Stage.PreSwitchover | Stage.PostcopyActive | Stage.PostcopyPaused, "cont", null, new("a guest that is on its way does not run here", "not finalized")),
        new(Stage.Precopy, "migrate-start-postcopy", null, new("postcopy-ram must be on", "Enable postcopy")),
        new(Stage.PostcopyReceiving | Stage.PostcopyWaiting, "migrate-start-postcopy", null, new("it is for the source", "must be started after")),
        new(Stage.All & ~(Stage.PostcopyActive | Stage.PostcopyReceiving), "migrate-pause", null, new("only postcopy is paused", "postcopy-active")),
        new(Stage.All & ~Stage.PostcopyWaiting, "migrate-recover", Anywhere, new("only what is paused is recovered", "postcopy is paused")),
        // 7.2 goes to setup first.
        new CommandRule(Stage.PostcopyWaiting, "migrate-recover", Nowhere, new("the protocol must exist", "protocol", "nonesuch")).For(VersionRange.From(8, 2)),
        new(Stage.All & ~Stage.PreSwitchover, "migrate-continue", """{"state":"pre-switchover"}""", new("the state must be the present one", "not in expected state")),
        new(Stage.All, "migrate-continue", """{"state":"device"}""", new("the state must be the present one", "not in expected state")),
        new(Stage.All, "migrate-continue", """{"state":"nonesuch"}""", new("the state must exist", "state", "nonesuch")),
        new(Stage.All, "migrate-continue", "{}", new("the state is not optional", "state", "missing")),
        // 7.2 and 9.2 take it, and lose the guest.
        new CommandRule(Stage.PostcopyActive | Stage.PostcopyPaused, "migrate_cancel", null, new("after the switchover there is no way back", "cannot cancel")).For(VersionRange.From(10, 0)),

        // QEMU asks what is wanted first: both can be done, but for the migration (CommandRuleTests.Usb).
        new(Stage.Sending, "device_add", """{"driver":"usb-tablet"}""", new("no device comes while a migration runs", "device_add not allowed while migrating")),
        new(Stage.Sending, "device_del", """{"id":"tablet"}""", new("no device goes while a migration runs", "device_del not allowed while migrating")),

        new(Stage.Sending, "dump-guest-memory", """{"paging":false,"protocol":"file:/dev/null"}""", new("a guest that is on its way is not dumped", "disallowing migration blocker", "dump-guest-memory")),

        new(Stage.All, "x-colo-lost-heartbeat", null, new("it is for COLO", "colo")),
        new(Stage.All, "set-vcpu-dirty-limit", """{"dirty-rate":5}""", new("it needs KVM with a dirty ring", "dirty-ring-size")),
        new(Stage.All, "calc-dirty-rate", """{"calc-time":0}""", new("a second at least", "out of range")),
        new(Stage.All, "calc-dirty-rate", """{"calc-time":61}""", new("a minute at most", "out of range")),
    ];
}
