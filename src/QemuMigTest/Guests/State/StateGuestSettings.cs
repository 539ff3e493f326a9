namespace QemuMigTest.Guests.State;

/// <summary>What is patched into the state guest before it is put on a disk.</summary>
public sealed record StateGuestSettings
{
    /// <summary>The most vCPUs that it is made for.</summary>
    public const int MostVcpus = 8;

    private const int MostFirmwareInterrupts = 1000;

    /// <summary>vCPUs, 1 to 8: QEMU is started with as many (<c>-smp</c>), and all of them run.</summary>
    public int Vcpus { get; init; } = 1;

    /// <summary>How many of these, those with the highest APIC ids, have their INIT at the start and their start-up interrupts only after a 1 was written to the program's word <c>late_go</c>; not all of them.</summary>
    public int LateVcpus { get; init; }

    /// <summary>Those that are late have no INIT, but wait in HLT with interrupts off: for ever.</summary>
    public bool LateVcpusHalt { get; init; }

    /// <summary>Laps of the first vCPU from one 'B' on the serial line to the next, 1 or more. A lap takes some milliseconds under TCG.</summary>
    public int LapsPerMarker { get; init; } = 4;

    /// <summary>How often a vCPU goes round in a lap with nothing but known values in its registers, 1 or more. What a register loses in a switchover outside of this is not seen: let it be most of a lap.</summary>
    public int SpinCount { get; init; } = 1_000_000;

    /// <summary>How often the first vCPU asks the firmware for something in each lap, by an interrupt that no system sees (SMI, port 0xb2), 0 to 1000; with 300 it is in the firmware's hands for half of a lap
    /// under TCG. How many there were is not looked at where there are some.</summary>
    public int FirmwareInterrupts { get; init; }

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Vcpus, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Vcpus, MostVcpus);
        ArgumentOutOfRangeException.ThrowIfLessThan(LateVcpus, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(LateVcpus, Vcpus - 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(LapsPerMarker, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(SpinCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(FirmwareInterrupts, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(FirmwareInterrupts, MostFirmwareInterrupts);
    }
}
