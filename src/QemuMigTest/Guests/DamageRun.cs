namespace QemuMigTest.Guests;

/// <summary>Neighbouring pages that are damaged in the same way.</summary>
/// <param name="First">The first of them.</param>
/// <param name="LastAddress">The guest-physical address of the last of them.</param>
/// <param name="PageCount">How many they are.</param>
public sealed record DamageRun(PageDamage First, uint LastAddress, int PageCount)
{
    /// <summary>One line for people.</summary>
    public override string ToString() => PageCount == 1
        ? $"page 0x{First.Address:x}: {First}"
        : $"{PageCount} pages from 0x{First.Address:x} to 0x{LastAddress:x}, the first of them: {First}";

    /// <summary>Whether a page goes on with what this run has, <paramref name="stride"/> being how far apart dirtied pages are.</summary>
    internal bool IsContinuedBy(PageDamage next, uint stride)
    {
        var distance = next.Address - LastAddress;
        var passed = First.Kind is DamageKind.StalePass or DamageKind.MissingPasses or DamageKind.AheadOfPass;
        return next.Kind == First.Kind
            && next.Passes == First.Passes
            && next.OtherAddress - next.Address == First.OtherAddress - First.Address
            && distance == (passed ? stride : GuestProgramSettings.PageSize);
    }
}
