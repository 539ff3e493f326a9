namespace QemuMigTest.Guests;

/// <summary>Takes a piece of guest memory; the bytes are gone when it returns.</summary>
/// <param name="address">The guest-physical address of its first byte.</param>
/// <param name="bytes">What is there.</param>
public delegate void GuestMemoryPiece(ulong address, ReadOnlySpan<byte> bytes);
