namespace QemuMigTest.Qmp;

/// <summary>How far a QMP connection had come when it failed.</summary>
public enum QmpConnectPhase
{
    /// <summary>Making the socket that QEMU connects to.</summary>
    Bind,

    /// <summary>Waiting for QEMU to connect.</summary>
    Accept,

    /// <summary>Reading the greeting.</summary>
    Greeting,

    /// <summary>Agreeing on capabilities with <c>qmp_capabilities</c>.</summary>
    Capabilities,
}
