using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;
using QemuMigTest.Streams;
using Shouldly;

namespace QemuMigTest.Tests.Streams;

/// <summary>Whatever becomes of a stream, its reader ends soon, in little memory, with a result or the error that it promises.</summary>
public sealed class DamagedStreamTests
{
    // What a whole stream of 80 kB takes is 1 MB.
    private const long MostBytes = 32 << 20;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);
    private static readonly string[] Names = ["q35-7.2", "q35-10.0", "q35-11.1", "none-11.1"];

    [FsCheck.NUnit.Property(MaxTest = 300)]
    public Property A_damaged_stream_is_read_or_refused()
    {
        var damages = Damage().ArrayOf();
        var cases = Gen.Elements(Names).SelectMany(name => damages.Select(list => (name, list)));
        return Prop.ForAll(cases.ToArbitrary(), damaged =>
        {
            var bytes = RecordedStream.Load(damaged.name);
            foreach (var damage in damaged.list)
            {
                bytes = Apply(bytes, damage);
            }

            var before = GC.GetAllocatedBytesForCurrentThread();
            var start = Stopwatch.GetTimestamp();
            try
            {
                var stream = MigrationStream.Read(bytes);
                foreach (var device in stream.Devices)
                {
                    stream.ReadFields(device);
                }
            }
            catch (StreamFormatException e)
            {
                e.Offset.ShouldBeInRange(0, bytes.Length);
            }

            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(MostBytes);
            Stopwatch.GetElapsedTime(start).ShouldBeLessThan(Longest);
        });
    }

    // Half of the places are in the first 2000 bytes, where there is structure and not the content of pages.
    private static Gen<(int Kind, int Place, int Value)> Damage() =>
        Gen.Choose(0, 3).SelectMany(kind => Gen.OneOf(Gen.Choose(0, 2000), Gen.Choose(0, 80_000)).SelectMany(place => Gen.Choose(0, 255).Select(value => (kind, place, value))));

    private static byte[] Apply(byte[] bytes, (int Kind, int Place, int Value) damage)
    {
        var at = bytes.Length == 0 ? 0 : damage.Place % bytes.Length;
        return damage.Kind switch
        {
            0 when bytes.Length > 0 => [.. bytes[..at], (byte)damage.Value, .. bytes[(at + 1)..]],
            1 => bytes[..at],
            2 => [.. bytes[..at], .. bytes[Math.Max(0, at - damage.Value)..]],
            // A length of 4 GB or more, wherever one may be.
            _ => [.. bytes[..at], 0xff, 0xff, 0xff, 0xff, .. bytes[Math.Min(bytes.Length, at + 4)..]],
        };
    }
}
