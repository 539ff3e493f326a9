namespace QemuMigTest.Streams;

/// <summary>A page of RAM in a stream.</summary>
/// <param name="Block">The block that it belongs to.</param>
/// <param name="Address">Where in the block it starts, bytes; a multiple of the page size, less than the block's length.</param>
/// <param name="Kind">How it is written.</param>
/// <param name="Offset">Where in the file its content starts, bytes.</param>
public readonly record struct StreamPage(RamBlock Block, long Address, PageKind Kind, long Offset);
