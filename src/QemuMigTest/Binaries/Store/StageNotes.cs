namespace QemuMigTest.Binaries.Store;

/// <summary>Says each stage of a download in one line, when it begins.</summary>
/// <param name="note">Shows a line.</param>
public sealed class StageNotes(Action<string> note) : IProgress<StoreProgress>
{
    private StoreStage? _last;

    /// <inheritdoc/>
    public void Report(StoreProgress value)
    {
        if (_last != value.Stage)
        {
            _last = value.Stage;
            note(value.Text);
        }
    }
}
