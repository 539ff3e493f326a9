using System.Buffers.Binary;

namespace QemuMigTest.Guests;

/// <summary>KVM's clock in the guest's memory (struct pvclock_vcpu_time_info): the BIOS asks for it, and KVM writes it anew, from outside, wherever the vCPU begins to run.</summary>
/// <remarks>Source: Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_SYSTEM_TIME_NEW.</remarks>
internal static class PvClock
{
    /// <summary>Its size, in bytes.</summary>
    public const int Bytes = 32;

    private const int Alignment = 4;
    private const int SystemTime = 16;
    private const int Multiplier = 24;

    /// <summary>Whether all that differs between two contents of a page is one such clock, and both are one that is valid, the second one written later.</summary>
    public static bool IsAllThatDiffers(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        var first = before.CommonPrefixLength(after);
        if (first == before.Length)
        {
            return false;
        }

        var last = before.Length - 1;
        while (before[last] == after[last])
        {
            last--;
        }

        var latest = Math.Min(first / Alignment * Alignment, before.Length - Bytes);
        for (var at = Math.Max(0, (last - Bytes + Alignment) / Alignment * Alignment); at <= latest; at += Alignment)
        {
            if (IsWrittenAnew(before.Slice(at, Bytes), after.Slice(at, Bytes)))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsWrittenAnew(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after) =>
        IsClock(before) && IsClock(after) && Version(after) > Version(before) && Time(after) >= Time(before);

    // An odd version is one that is being written: never on a stopped guest.
    private static bool IsClock(ReadOnlySpan<byte> clock) => Version(clock) is > 0 and var version && version % 2 == 0
        && BinaryPrimitives.ReadUInt32LittleEndian(clock[4..]) == 0 && Time(clock) > 0 && BinaryPrimitives.ReadUInt32LittleEndian(clock[Multiplier..]) > 0
        && BinaryPrimitives.ReadUInt16LittleEndian(clock[30..]) == 0;

    private static uint Version(ReadOnlySpan<byte> clock) => BinaryPrimitives.ReadUInt32LittleEndian(clock);

    private static ulong Time(ReadOnlySpan<byte> clock) => BinaryPrimitives.ReadUInt64LittleEndian(clock[SystemTime..]);
}
