using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Multifd;

[RequiresCapability("multifd"), RequiresCapability("mapped-ram")]
public sealed class MultifdFileTests : MigrationFixture
{
    private const long Offset = 0x1000;
    private const string Channels = "multifd-channels";

    [MigrationTest("/migration/multifd/file/mapped-ram")]
    public Task A_stopped_guest_moves_through_a_file_that_several_threads_write(CancellationToken ct) => MoveAsync(new FileChannel(), stopped: true, directIo: false, ct);

    [MigrationTest("/migration/multifd/file/mapped-ram/live")]
    public Task A_running_guest_moves_through_a_file_that_several_threads_write(CancellationToken ct) => MoveAsync(new FileChannel(), stopped: false, directIo: false, ct);

    [MigrationTest("/migration/multifd/file/mapped-ram/dio"), RequiresArgument("migrate-set-parameters", "direct-io"), RequiresDirectIo]
    public Task The_threads_write_past_the_page_cache(CancellationToken ct) => MoveAsync(new FileChannel(), stopped: true, directIo: true, ct);

    [MigrationTest("/migration/multifd/file/mapped-ram/fdset"), RequiresArgument("migrate-set-parameters", "direct-io")]
    public Task The_manager_opens_the_file(CancellationToken ct) => MoveAsync(new FdsetChannel(Offset, descriptors: 2), stopped: true, directIo: false, ct);

    [MigrationTest("/migration/multifd/file/mapped-ram/fdset/dio"), RequiresArgument("migrate-set-parameters", "direct-io"), RequiresDirectIo]
    public Task The_manager_opens_the_file_with_and_without_O_DIRECT(CancellationToken ct) =>
        MoveAsync(new FdsetChannel(Offset, descriptors: 2, directIo: true), stopped: true, directIo: true, ct);

    private async Task MoveAsync(MigrationChannel channel, bool stopped, bool directIo, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Capabilities = [MigrationCapability.Multifd, MigrationCapability.MappedRam],
            Parameters = directIo ? new JsonObject { [Channels] = 4, ["direct-io"] = true } : new() { [Channels] = 4 },
            Convergence = Convergence.Allowed,
        }, ct);
        if (stopped)
        {
            await pair.StopSourceAsync(ct);
        }

        var migration = await pair.MigrateAsync(channel, ct);
        await migration.CompleteAsync(ct);
    }
}
