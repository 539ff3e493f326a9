namespace QemuMigTest.Conformance.Rules;

/// <summary>Arguments of migrate-set-capabilities that are not of its type, as JSON.</summary>
internal static class CapabilityTypes
{
    private const string State = "state must be a boolean";

    /// <summary>What must be refused, also when what comes before it in the same command is right.</summary>
    public static readonly IReadOnlyList<(string Json, Refusal Reason)> Rows =
    [
        ("""{"capabilities":[{"capability":"events","state":"true"}]}""", new(State, "capabilities[0].state", "boolean")),
        ("""{"capabilities":[{"capability":"events","state":1}]}""", new(State, "capabilities[0].state", "boolean")),
        ("""{"capabilities":[{"capability":"events","state":null}]}""", new(State, "capabilities[0].state", "boolean")),
        ("""{"capabilities":[{"capability":"events","state":[]}]}""", new(State, "capabilities[0].state", "boolean")),
        ("""{"capabilities":[{"capability":"events","state":{}}]}""", new(State, "capabilities[0].state", "boolean")),
        ("""{"capabilities":[{"capability":"return-path","state":true},{"capability":"events","state":1}]}""", new(State, "capabilities[1].state", "boolean")),
        ("""{"capabilities":[{"capability":"events"}]}""", new("state is not optional", "capabilities[0].state", "missing")),
        ("""{"capabilities":[{"state":true}]}""", new("capability is not optional", "capabilities[0].capability", "missing")),
        ("""{"capabilities":[{"capability":"events","state":true,"extra":1}]}""", new("there is no other member", "capabilities[0].extra", "unexpected")),
        ("""{"capabilities":[{"capability":1,"state":true}]}""", new("a capability is named by a string", "capabilities[0].capability", "string")),
        ("""{"capabilities":[{"capability":"nonesuch","state":true}]}""", new("the capability must exist", "capability", "nonesuch")),
        ("""{"capabilities":[{"capability":"events","state":true},{"capability":"nonesuch","state":false}]}""", new("the capability must exist", "capability", "nonesuch")),
        ("""{"capabilities":[{"capability":"EVENTS","state":true}]}""", new("names are in small letters", "capability", "EVENTS")),
        ("""{"capabilities":[{"capability":"return_path","state":true}]}""", new("names are not spelt with _", "capability", "does not accept")),
        ("""{"capabilities":[{"capability":"","state":true}]}""", new("the capability must exist", "capability", "does not accept")),
        ("""{"capabilities":["events"]}""", new("elements are objects", "capabilities[0]", "object")),
        ("""{"capabilities":{"capability":"events","state":true}}""", new("it is a list", "capabilities", "array")),
        ("""{"capabilities":null}""", new("it is a list", "capabilities", "array")),
        ("""{"capabilities":"events"}""", new("it is a list", "capabilities", "array")),
        ("""{"capabilities":[],"extra":1}""", new("there is no other argument", "extra", "unexpected")),
        ("{}", new("capabilities is not optional", "capabilities", "missing")),
    ];

    /// <summary>What is accepted, and whether events is on afterwards.</summary>
    public static readonly IReadOnlyList<(string Json, bool Events)> Accepted =
    [
        ("""{"capabilities":[]}""", false),
        ("""{"capabilities":[{"capability":"events","state":true},{"capability":"events","state":false}]}""", false),
        ("""{"capabilities":[{"capability":"events","state":false},{"capability":"events","state":true}]}""", true),
        ("""{"capabilities":[{"capability":"events","state":true}]}""", true),
        ("""{"capabilities":[{"capability":"events","state":false}]}""", false),
    ];
}
