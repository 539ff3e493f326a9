namespace QemuMigTest.Binaries.Store;

/// <summary>How far a fetch has come.</summary>
/// <param name="Stage">What it is doing.</param>
/// <param name="Done">Bytes or packages done, as <see cref="StoreStage"/> says; 0 where there is nothing to count.</param>
/// <param name="Total">Bytes or packages in all; 0 where there is nothing to count.</param>
/// <param name="Text">The stage in words, with the suite's name, the same for the whole stage.</param>
public sealed record StoreProgress(StoreStage Stage, long Done, long Total, string Text);
