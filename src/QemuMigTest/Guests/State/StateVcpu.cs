using System.Buffers.Binary;

namespace QemuMigTest.Guests.State;

/// <summary>What a vCPU of the state guest tells of itself in memory.</summary>
/// <param name="Number">Its number, 0 for the first.</param>
/// <param name="Laps">Laps that it has begun.</param>
/// <param name="TimerInterrupts">Interrupts of its local APIC's timer.</param>
/// <param name="HpetInterrupts">Interrupts of the HPET; only the first vCPU gets them.</param>
/// <param name="Damages">Damages that it found, those that it did not write any more included.</param>
/// <param name="HpetTicks">The HPET's counter in the last lap: 10 ns each.</param>
/// <param name="Tsc">The TSC then.</param>
public sealed record StateVcpu(ulong Number, ulong Laps, ulong TimerInterrupts, ulong HpetInterrupts, ulong Damages, ulong HpetTicks, ulong Tsc)
{
    /// <summary>Reads it from the bytes at <see cref="StateProgram.AddressOf"/>.</summary>
    public static StateVcpu Read(ReadOnlySpan<byte> block, GuestSymbols symbols)
    {
        ArgumentNullException.ThrowIfNull(symbols);
        return new(At(block, "cpu_number"), At(block, "cpu_laps"), At(block, "cpu_timers"), At(block, "cpu_hpets"), At(block, "cpu_reports"), At(block, "cpu_hpet"), At(block, "cpu_tsc"));

        ulong At(ReadOnlySpan<byte> bytes, string symbol) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[(int)symbols[symbol]..]);
    }

    /// <summary>How many bytes are read.</summary>
    public const int Size = 64;
}
