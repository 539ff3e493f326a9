using NUnit.Framework;
using QemuMigTest.Binaries.Store;
using Shouldly;

namespace QemuMigTest.Tests.Store;

internal sealed class StageNotesTests
{
    [Test]
    public void Each_stage_is_said_once_though_stages_overlap()
    {
        var lines = new List<string>();
        var notes = new StageNotes(lines.Add);
        foreach (var (stage, done) in new[] { (StoreStage.Download, 0), (StoreStage.Unpack, 1), (StoreStage.Download, 2), (StoreStage.Unpack, 3), (StoreStage.Done, 4) })
        {
            notes.Report(new StoreProgress(stage, done, 4, $"{stage} {done}"));
        }

        lines.ShouldBe(["Download 0", "Unpack 1", "Done 4"]);
    }
}
