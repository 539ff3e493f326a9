namespace QemuMigTest.Conformance.Order;

/// <summary>What a source may do when its migration has completed and nobody has taken the guest.</summary>
[RequiresArgument("migrate", "channels", "file")]
public sealed class ContinueTests : MigrationFixture
{
    private const int Rounds = 3;

    // The run state is postmigrate; cont gives the guest back to the source, which then may migrate again.
    [MigrationTest("/migration/order/cont-after-completion")]
    public async Task A_source_whose_guest_was_saved_goes_on_and_is_saved_again(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed }, ct);
        for (var round = 1; round <= Rounds; round++)
        {
            var position = pair.Source.EventPosition;
            await pair.Source.ExecuteAsync("migrate", new() { ["uri"] = $"file:{pair.Scratch.File($"saved-{round}")}" }, ct);
            await pair.Source.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, position, "migration status completed", ct);
            await PostMigrate.WaitAsync(pair.Source, ct);
            var saved = await pair.Source.ReadGuestStateAsync(ct);
            await pair.Source.ContinueAsync(ct);
            (await pair.Source.QueryStatusAsync(ct)).ShouldBe(new RunState("running", true));
            await pair.Source.Serial.WaitForAsync('B', pair.Source.Serial.Position, ct);
            (await pair.Source.ReadGuestStateAsync(ct)).Pass.ShouldBeGreaterThanOrEqualTo(saved.Pass);
        }

        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
    }
}
