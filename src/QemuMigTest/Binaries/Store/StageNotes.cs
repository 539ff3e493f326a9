namespace QemuMigTest.Binaries.Store;

/// <summary>Says each stage of a download in one line, when it begins. Stages overlap: packages are unpacked while others are downloaded.</summary>
/// <param name="note">Shows a line.</param>
public sealed class StageNotes(Action<string> note) : IProgress<StoreProgress>
{
    private readonly HashSet<StoreStage> _said = [];

    /// <inheritdoc/>
    public void Report(StoreProgress value)
    {
        lock (_said)
        {
            if (_said.Add(value.Stage))
            {
                note(value.Text);
            }
        }
    }
}
