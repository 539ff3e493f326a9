using System.Text.Json.Nodes;
using NUnit.Framework;
using QemuMigTest.Migration;
using Shouldly;

namespace QemuMigTest.Tests.Migration;

public sealed class HumanMonitorTests
{
    [TestCase("migrate", """{"uri": "tcp:127.0.0.1:4444"}""", "migrate -d tcp:127.0.0.1:4444")]
    [TestCase("migrate", """{"uri": "unix:/s", "resume": true}""", "migrate -d -r unix:/s")]
    [TestCase("migrate", """{"uri": "unix:/s", "resume": false}""", "migrate -d unix:/s")]
    [TestCase("migrate-incoming", """{"uri": "unix:/s", "exit-on-error": false}""", "migrate_incoming unix:/s")]
    [TestCase("migrate-recover", """{"uri": "unix:/s"}""", "migrate_recover unix:/s")]
    [TestCase("migrate-continue", """{"state": "pre-switchover"}""", "migrate_continue pre-switchover")]
    [TestCase("migrate_cancel", null, "migrate_cancel")]
    [TestCase("migrate-start-postcopy", null, "migrate_start_postcopy")]
    [TestCase("migrate-pause", null, "migrate_pause")]
    [TestCase("migrate-set-capabilities", """{"capabilities": [{"capability": "xbzrle", "state": true}, {"capability": "events", "state": false}]}""", "migrate_set_capability xbzrle on|migrate_set_capability events off")]
    [TestCase("migrate-set-parameters", """{"max-bandwidth": 5, "max-postcopy-bandwidth": 7, "downtime-limit": 6, "tls-creds": "c", "direct-io": true}""",
        "migrate_set_parameter max-bandwidth 5B|migrate_set_parameter max-postcopy-bandwidth 7|migrate_set_parameter downtime-limit 6|migrate_set_parameter tls-creds c|migrate_set_parameter direct-io on")]
    public void A_command_is_typed_as_HMP_has_it(string command, string? arguments, string typed) =>
        HumanMonitor.Lines(command, arguments is null ? null : JsonNode.Parse(arguments)!.AsObject()).ShouldNotBeNull().ShouldBe(typed.Split('|'));

    [TestCase("migrate", """{"channels": []}""")]
    [TestCase("migrate", """{"uri": "tcp:127.0.0.1:4444", "detach": true}""")]
    [TestCase("migrate-set-parameters", """{"block-bitmap-mapping": []}""")]
    [TestCase("query-migrate", null)]
    public void What_HMP_has_not_is_left_to_QMP(string command, string? arguments) =>
        HumanMonitor.Lines(command, arguments is null ? null : JsonNode.Parse(arguments)!.AsObject()).ShouldBeNull();
}
