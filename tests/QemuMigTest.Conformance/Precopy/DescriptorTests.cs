using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.Precopy;

public sealed class DescriptorTests : MigrationFixture
{
    [MigrationTest("/migration/precopy/fd/tcp")]
    public async Task A_stopped_guest_moves_over_sockets_that_the_manager_opened(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed }, ct);
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(DescriptorChannel.OfSocketPair(), ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/fd/file")]
    public async Task A_stopped_guest_moves_through_a_file_that_the_manager_opened_or_is_refused_where_QEMU_wants_a_file_URI(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed }, ct);
        await pair.StopSourceAsync(ct);
        var destinationRefuses = Quirks.PlainFileDescriptorRefused(Environment.Destination.Version);
        var sourceRefuses = Quirks.PlainFileDescriptorRefused(Environment.Source.Version);
        if (!destinationRefuses && !sourceRefuses)
        {
            var migration = await pair.MigrateAsync(DescriptorChannel.OfFile(), ct);
            await migration.CompleteAsync(ct);
            return;
        }

        if (destinationRefuses)
        {
            using var channel = DescriptorChannel.OfFile();
            var incoming = await channel.ListenAsync(pair, ct);
            (await Should.ThrowAsync<QmpCommandException>(() => pair.Destination.ExecuteAsync("migrate-incoming", incoming, ct))).Description.ShouldContain("file:");
            NoteRefusal("migrate-incoming with fd: of a plain file; QEMU wants file: for it");
        }

        if (sourceRefuses)
        {
            (await Should.ThrowAsync<QmpCommandException>(() => pair.MigrateAsync(DescriptorChannel.OfFile(), ct))).Description.ShouldContain("file:");
            NoteRefusal("migrate with fd: of a plain file; QEMU wants file: for it");
            if (Quirks.RefusedDescriptorLeaks(Environment.Source.Version))
            {
                pair.ExpectResidue(pair.Source, "/migration");
                NoteFault("migrate that refuses fd: of a plain file keeps the descriptor");
            }
        }
    }
}
