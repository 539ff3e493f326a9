namespace QemuMigTest.Guests;

/// <summary>How far a guest is in its program, between two instructions.</summary>
/// <remarks>
/// While <see cref="GuestPhase.Running"/>, pages of the region below <see cref="Page"/> have had <see cref="Pass"/> + 1 passes, those
/// above it <see cref="Pass"/>. A pass that is complete is always counted: <see cref="Page"/> is in the region.
/// </remarks>
/// <param name="Phase">Where the guest is; the pass and the page are 0 unless it is running.</param>
/// <param name="Pass">Completed passes over the region, modulo 2^32.</param>
/// <param name="Page">The guest-physical address of the page being worked on.</param>
/// <param name="PageIncremented">Whether that page has its increment of this pass.</param>
/// <param name="Eip">The linear address of the next instruction, as far as it fits in 32 bits.</param>
public sealed record GuestState(GuestPhase Phase, uint Pass, uint Page, bool PageIncremented, uint Eip)
{
    private const ulong ResetVector = 0xffff_fff0;

    /// <summary>Of the pages that turn after each pass (<see cref="TurningPages"/>), the first that was not turned after the last complete one:
    /// their end unless the guest is turning them.</summary>
    public uint TurningPage { get; init; } = TurningPages.End;

    /// <summary>Reads the state from what HMP's <c>info registers</c> says of a machine that is stopped.</summary>
    /// <param name="infoRegistersText">The whole text, of any CPU mode; with several CPUs the first is read.</param>
    /// <param name="program">What the guest was started with.</param>
    /// <exception cref="GuestException">The text is not that of <c>info registers</c>, or the registers are none that the program can
    /// have; the message quotes the text.</exception>
    public static GuestState FromRegisters(string infoRegistersText, GuestProgram program)
    {
        ArgumentNullException.ThrowIfNull(infoRegistersText);
        ArgumentNullException.ThrowIfNull(program);
        var registers = GuestRegisters.Parse(infoRegistersText);
        var symbols = program.Symbols;
        var address = registers.LinearIp;
        if (address is < GuestProgram.LoadAddress or >= GuestProgram.LoadAddress + GuestProgram.SectorSize)
            return Outside(address == ResetVector ? GuestPhase.NotStarted : GuestPhase.Elsewhere, (uint)address);

        var eip = (uint)address;
        Require(!registers.IsLong, "the CPU is in 64-bit mode, which the program never enters");
        Require(eip < symbols["loop_end"], $"EIP is at {symbols.Describe(eip)}, which is data");
        if (eip < symbols["loop_begin"])
            return Outside(GuestPhase.Preparing, eip);
        Require(registers.IsProtected32, "the CPU is in 16-bit mode, and the loop is of 32 bits");

        var settings = program.Settings;
        var pass = (uint)registers.Cx;
        var page = (uint)registers.Bx;
        Require(registers.Di == settings.RegionEnd, $"EDI must be the region's end, {settings.RegionEnd:x8}");
        Require(registers.Bp == settings.PageStride, $"EBP must be the page stride, {settings.PageStride:x8}");
        if (eip < symbols["increment"])
            return Running(pass, settings.RegionStart, false);

        Require(eip >= symbols["pass_counted"] || registers.Si == (pass & 0xff), $"ESI must be ECX & 255, {pass & 0xff:x8}");
        Require(page >= settings.RegionStart && (page - settings.RegionStart) % settings.PageStride == 0,
            $"EBX must be a page: {settings.RegionStart:x8} and a multiple of {settings.PageStride:x8}");
        if (eip < symbols["page_advanced"])
        {
            Require(page < settings.RegionEnd, $"EBX must be below the region's end, {settings.RegionEnd:x8}");
            return Running(pass, page, eip >= symbols["incremented"]);
        }

        Require((long)page - settings.PageStride < settings.RegionEnd, $"EBX must not be a page beyond the region's end, {settings.RegionEnd:x8}");
        if (eip < symbols["pass_done"] && page < settings.RegionEnd)
        {
            Require(page > settings.RegionStart, "EBX must be a page after the first");
            return Running(pass, page, false);
        }

        Require(page >= settings.RegionEnd, $"EBX must have reached the region's end, {settings.RegionEnd:x8}");
        return Running(eip < symbols["pass_counted"] ? pass + 1 : pass, settings.RegionStart, false) with { TurningPage = FirstNotTurned() };

        uint FirstNotTurned()
        {
            if (eip < symbols["turn"])
                return TurningPages.Start;
            if (eip >= symbols["turns_done"])
                return TurningPages.End;
            var turning = (uint)registers.Dx;
            Require(turning % GuestProgramSettings.PageSize == 0 && turning is >= TurningPages.Start and <= TurningPages.End,
                $"EDX must be a page that turns, {TurningPages.Start:x8} to {TurningPages.End:x8}");
            return eip >= symbols["turned"] && eip < symbols["turn_advanced"] ? turning + GuestProgramSettings.PageSize : turning;
        }

        GuestState Running(uint passes, uint at, bool incremented) => new(GuestPhase.Running, passes, at, incremented, eip);

        void Require(bool holds, string what)
        {
            if (!holds)
            {
                throw new GuestException(
                    $"The registers are none that the guest program can have at {symbols.Describe(eip)}: {what}. "
                    + $"'info registers' said:\n{infoRegistersText}");
            }
        }
    }

    /// <summary>The passes, modulo 2^32, that the page at an address of the region has had.</summary>
    public uint PassesOf(uint page) => page < Page || (page == Page && PageIncremented) ? Pass + 1 : Pass;

    /// <summary>One line for people.</summary>
    public override string ToString() => Phase == GuestPhase.Running
        ? $"after {Pass} passes, in the next at page 0x{Page:x} {(PageIncremented ? "(incremented)" : "(not incremented)")}"
        : $"{Phase}, at 0x{Eip:x}";

    private static GuestState Outside(GuestPhase phase, uint eip) => new(phase, 0, 0, false, eip);
}
