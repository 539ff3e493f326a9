using System.Text.Json;
using NUnit.Framework;
using QemuMigTest.Binaries;
using Shouldly;

namespace QemuMigTest.Tests.Binaries;

public sealed class QmpSchemaTests
{
    private const string Schema = """
        [
          {"name": "migrate", "meta-type": "command", "arg-type": "0", "ret-type": "1"},
          {"name": "query-status", "meta-type": "command", "arg-type": "1", "ret-type": "1"},
          {"name": "block-x", "meta-type": "command", "arg-type": "6", "ret-type": "1"},
          {"name": "STOP", "meta-type": "event", "arg-type": "1"},
          {"name": "0", "meta-type": "object", "members": [
            {"name": "uri", "default": null, "type": "str"}, {"name": "channels", "default": null, "type": "[2]"}, {"name": "mode", "type": "5"}]},
          {"name": "1", "meta-type": "object", "members": []},
          {"name": "[2]", "meta-type": "array", "element-type": "2"},
          {"name": "2", "meta-type": "object", "members": [{"name": "addr", "type": "3"}, {"name": "next", "default": null, "type": "2"}]},
          {"name": "3", "meta-type": "object", "members": [{"name": "transport", "type": "4"}], "tag": "transport", "variants": []},
          {"name": "4", "meta-type": "enum", "values": ["socket", "file"]},
          {"name": "5", "meta-type": "enum", "values": ["normal", "cpr-reboot"]},
          {"name": "6", "meta-type": "object", "members": [{"name": "deep", "type": "2"}]},
          {"name": "str", "meta-type": "builtin", "json-type": "string"}
        ]
        """;

    private readonly QmpSchema _schema = new(JsonElement.Parse(Schema));

    [Test]
    public void Commands_have_their_arguments_and_what_enumerations_in_them_allow()
    {
        var commands = _schema.Commands();
        commands.Keys.ShouldBe(["migrate", "query-status", "block-x"], ignoreOrder: true);
        commands["query-status"].ShouldBeEmpty();
        commands["migrate"].Keys.ShouldBe(["uri", "channels", "mode"], ignoreOrder: true);
        commands["migrate"]["uri"].ShouldBeEmpty();
        commands["migrate"]["mode"].ShouldBe(["normal", "cpr-reboot"]);
    }

    [Test]
    public void Migration_commands_are_read_deep_even_where_a_type_holds_itself() => _schema.Commands()["migrate"]["channels"].ShouldBe(["socket", "file"]);

    [Test]
    public void Other_commands_are_not() => _schema.Commands()["block-x"]["deep"].ShouldBeEmpty();

    [Test]
    public void Events_are_known_by_name() => _schema.Events().ShouldBe(["STOP"]);
}
