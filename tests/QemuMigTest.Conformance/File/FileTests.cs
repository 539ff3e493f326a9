using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.File;

[RequiresArgument("migrate", "channels", "file")]
public sealed class FileTests : MigrationFixture
{
    private const long Offset = 0x1000;

    // Of no page, nor of a word.
    private const long Uneven = 0x1235;

    [MigrationTest("/migration/precopy/file")]
    public async Task A_stopped_guest_moves_through_a_file(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed }, ct);
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(new FileChannel(), ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/file/offset", Offset)]
    [MigrationTest("/migration/precopy/file/offset/uneven", Uneven)]
    public async Task A_running_guest_moves_through_a_file_behind_an_offset_and_what_is_before_stays(long offset, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed }, ct);
        var migration = await pair.MigrateAsync(new FileChannel(offset), ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/file/offset/fdset")]
    public async Task A_running_guest_moves_through_a_file_that_the_manager_opened_behind_an_offset(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed }, ct);
        var migration = await pair.MigrateAsync(new FdsetChannel(Offset), ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/file/offset/bad", "0x20M")]
    [MigrationTest("/migration/rules/file-offset/more-behind-it", "4096junk")]
    [MigrationTest("/migration/rules/file-offset/negative", "-4096")]
    [MigrationTest("/migration/rules/file-offset/empty", "")]
    public async Task An_offset_that_is_no_size_is_refused(string offset, CancellationToken ct)
    {
        var pair = await StartPairAsync(new(), ct);
        var refusal = await Should.ThrowAsync<QmpCommandException>(() => pair.MigrateAsync(new FileChannel(offsetText: offset), ct));
        refusal.Description.ShouldContain("offset");
        refusal.Description.ShouldContain(offset);
    }
}
