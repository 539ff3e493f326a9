namespace QemuMigTest.Conformance;

/// <summary>The session of this suite: the builds, the spawner and the scratch folder of all its tests.</summary>
[SetUpFixture]
public sealed class Suite : MigrationSuite;
