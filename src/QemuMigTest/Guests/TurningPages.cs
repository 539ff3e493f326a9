using System.Buffers.Binary;

namespace QemuMigTest.Guests;

/// <summary>The pages in low memory that the guest program turns from zero to not and back, after each pass (asm/a-b.S).</summary>
public static class TurningPages
{
    /// <summary>The guest-physical address of the first.</summary>
    public const uint Start = 0x2_0000;

    /// <summary>The address behind the last.</summary>
    public const uint End = 0x3_0000;

    private const int PageSize = PageLayout.PageSize;
    private const int Periods = 4;

    /// <summary>How often it was turned, modulo 2^32.</summary>
    internal static uint TurnsOf(uint address, GuestState state) => state.Pass == 0 || address < state.TurningPage ? state.Pass : state.Pass - 1;

    /// <summary>Writes what one of them is after so many turns.</summary>
    internal static void FillTurned(Span<byte> page, uint address, uint turns)
    {
        page.Clear();
        var pass = turns == 0 ? 0 : turns - 1;
        if ((pass >> (int)(address / PageSize % Periods) & 1) != 0)
            BinaryPrimitives.WriteUInt32LittleEndian(page, pass);
    }
}
