namespace QemuMigTest.Conformance.Rules;

/// <summary>A file with mapped-ram that a destination must refuse.</summary>
/// <param name="What">What is wrong with it, for people: with ….</param>
/// <param name="At">Where, bytes from the first block's bitmap; its header is before it.</param>
/// <param name="Bytes">What is there instead.</param>
/// <param name="Word">What the destination must say of it.</param>
internal sealed record MappedRamDamage(string What, int At, byte[] Bytes, string Word);
