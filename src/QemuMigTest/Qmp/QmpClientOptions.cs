namespace QemuMigTest.Qmp;

/// <summary>How a <see cref="QmpClient"/> behaves. The defaults: <c>new() { Name = "QEMU", OutOfBand = true, MaxLineLength = 10 MiB, Transcript = null }</c>.</summary>
public sealed record QmpClientOptions
{
    /// <summary>What error messages call the other side: <c>source</c>, <c>destination</c>.</summary>
    public string Name { get; init; } = "QEMU";

    /// <summary>Whether to enable the QMP capability <c>oob</c> where QEMU offers it.</summary>
    public bool OutOfBand { get; init; } = true;

    /// <summary>The longest line that is accepted, in bytes, at least 1; a longer one is a <see cref="QmpProtocolException"/>.</summary>
    public int MaxLineLength { get; init; } = 10 * 1024 * 1024;

    /// <summary>Where each line sent and received is written, flushed line by line; not disposed by the client. Null for none.</summary>
    public TextWriter? Transcript { get; init; }

    /// <summary>The clock of <see cref="QmpEvent.Received"/> and of the transcript.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
