namespace QemuMigTest.Conformance.Devices;

/// <summary>The slot that is behind a root port, with its power and its lamps, as a driver of hotplug sees it.</summary>
/// <param name="port">The root port.</param>
internal sealed class PcieSlot(PciFunction port)
{
    /// <summary>Its lamps blink, and it tells when it has done as it was told.</summary>
    public const ushort Driven = 0x2b0;

    /// <summary>What is in the slot has no power.</summary>
    public const ushort PowerOff = 0x400;

    private const byte Express = 0x10;
    private const int AbleTo = 0x14;
    private const int Controlled = 0x18;
    private const int Happened = 0x1a;
    private const uint PowerController = 2;
    private const ushort CommandDone = 0x10;
    private const ushort Events = 0x11f;

    private readonly int _capability = port.Capabilities(Express).First();

    /// <summary>Whether its power can be turned off.</summary>
    public bool HasPowerController => (port.Read(_capability + AbleTo) & PowerController) != 0;

    /// <summary>Whether it has told that it did as it was told, and nobody has taken that yet.</summary>
    public bool IsCommandDone => (port.Read16(_capability + Happened) & CommandDone) != 0;

    /// <summary>Tells it what to do.</summary>
    public void Control(int bits) => port.Write16(_capability + Controlled, (ushort)bits);

    /// <summary>Takes all that it has told.</summary>
    public void TakeEvents() => port.Write16(_capability + Happened, (ushort)(port.Read16(_capability + Happened) & Events));

    /// <summary>All that it says.</summary>
    public string Describe() =>
        $"slot capabilities 0x{port.Read(_capability + AbleTo):x}, control 0x{port.Read16(_capability + Controlled):x}, status 0x{port.Read16(_capability + Happened):x}";
}
