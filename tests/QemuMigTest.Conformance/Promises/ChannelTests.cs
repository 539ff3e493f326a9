using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>multifd uses all its channels, about equally.</summary>
[RequiresCapability("multifd")]
public sealed class ChannelTests : MigrationFixture
{
    // Slow enough for each channel to be free when its turn comes.
    private const long Bandwidth = 100_000_000;
    private const int Passes = 3;
    private const long FirstPacketBytes = 64;
    private const long EmptyPacketBytes = 1344;

    [MigrationTest("/migration/promises/multifd-channels/2", 2)]
    [MigrationTest("/migration/promises/multifd-channels/8", 8)]
    public async Task Each_channel_carries_its_share(int channels, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Capabilities = [MigrationCapability.Multifd],
            Parameters = new JsonObject { ["multifd-channels"] = channels },
        }, ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = Bandwidth }, ct);
        var proxy = new ProxyChannel();
        var migration = await pair.MigrateAsync(proxy, ct);
        await migration.WaitForPassAsync(Passes, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);

        var (bytes, _) = await CarriedAsync(pair, proxy, migration, ct);
        bytes.Count.ShouldBe(channels + 1, $"{channels} channels and the main one");
        var carried = bytes.Take(channels).ToList();
        var mean = carried.Average();
        carried[^1].ShouldBeGreaterThan((long)(mean / 2), $"bytes of each channel: {string.Join(", ", carried)}");
        carried[0].ShouldBeLessThan((long)(mean * 2), $"bytes of each channel: {string.Join(", ", carried)}");
    }

    [MigrationTest("/migration/promises/transferred/plain", "")]
    [MigrationTest("/migration/promises/transferred/multifd", "multifd")]
    public async Task What_was_transferred_is_what_went_over_the_wire([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), Convergence = Convergence.Allowed }, ct);
        var proxy = new ProxyChannel();
        var migration = await pair.MigrateAsync(proxy, ct);
        await migration.CompleteAsync(ct);
        var transferred = migration.Result!.RamTransferred!.Value;
        proxy.Traffic.ShouldAllBe(connection => !connection.IsTls && connection.BytesBack == 0, "without TLS nothing is encrypted, and without a return path nothing goes back");
        Math.Abs(proxy.Bytes - transferred).ShouldBeLessThan(Math.Max(transferred / 100, 500_000), $"transferred is {transferred}, and {proxy.Bytes} bytes went over the wire");
        if (capabilities.Length > 0)
        {
            var (bytes, counted) = await CarriedAsync(pair, proxy, migration, ct);
            var channels = bytes[..^1];
            // To 7.2 what each channel says first, who it is, is not counted.
            (channels.Sum() - counted).ShouldBeInRange(-MayStay(pair, channels.Count), channels.Count * FirstPacketBytes, $"multifd-bytes is {counted}, and its channels carried {string.Join(" and ", channels)}");
        }
    }

    // The bytes of each connection, the main one's last, when all that is counted has come: the last packets are on their way when both sides say completed.
    private static async Task<(List<long> Bytes, long Counted)> CarriedAsync(MigrationPair pair, ProxyChannel proxy, MigrationRun migration, CancellationToken ct)
    {
        var counted = migration.Result!.Raw.GetProperty("ram").GetProperty("multifd-bytes").GetInt64();
        List<long> bytes = [];
        await Poll.UntilAsync(pair.Source.Name, $"the channels to carry the {counted} bytes that multifd-bytes counts", _ =>
        {
            bytes = [.. proxy.BytesByConnection.OrderDescending()];
            return Task.FromResult(bytes[..^1].Sum() >= counted - MayStay(pair, bytes.Count - 1) ? proxy : null);
        }, () => $"bytes of each connection: {string.Join(", ", bytes)}", pair.Environment.Limits.Command, ct);
        return (bytes, counted);
    }

    // What a packet without pages has: 7.2 counts one when it asks for it, and may end the channel without it.
    private static long MayStay(MigrationPair pair, int channels) => Quirks.LastMultifdPacketMayStay(pair.Source.Binary.Version) ? channels * EmptyPacketBytes : 0;
}
