namespace QemuMigTest.Migration.Channels;

/// <summary>What has gone over one connection through a <see cref="ProxyChannel"/>.</summary>
/// <param name="Bytes">Bytes from the source to the destination.</param>
/// <param name="BytesBack">Bytes from the destination to the source.</param>
/// <param name="IsTls">Whether all of them, in both directions, were records of TLS.</param>
public sealed record WireTraffic(long Bytes, long BytesBack, bool IsTls);
