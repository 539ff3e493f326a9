using System.Collections.Concurrent;
using QemuMigTest.Binaries.Store;

namespace QemuMigTest.Tests.Store;

internal sealed class RecordedProgress : IProgress<StoreProgress>
{
    private readonly ConcurrentQueue<StoreProgress> _reports = [];

    public IReadOnlyList<StoreProgress> Reports => [.. _reports];

    public IReadOnlyList<StoreStage> Stages => [.. _reports.Select(report => report.Stage).Distinct()];

    public void Report(StoreProgress value) => _reports.Enqueue(value);
}
