namespace QemuMigTest.Conformance.Rules;

/// <summary>What a probe compares before and after each command.</summary>
internal enum Watched
{
    /// <summary>Capabilities and parameters; the rest at the end.</summary>
    Settings,

    /// <summary>The migration's status and the run state as well.</summary>
    All,
}
