using System.Text.Json;
using NUnit.Framework;
using QemuMigTest.Binaries;
using QemuMigTest.Migration;
using QemuMigTest.Oracles;
using QemuMigTest.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Oracles;

public sealed class StatusPathTests
{
    // Each status with its time, µs.
    [TestCase("setup 1, cancelling 3, active 2, cancelled 4", "setup active cancelling cancelled", TestName = "Of two threads that speak at once the times tell who was first")]
    [TestCase("setup 1, active 2, cancelling 3, cancelled 4", "setup active cancelling cancelled", TestName = "Statuses that were sent in a legal order have it")]
    [TestCase("setup 1, active 3, cancelling 2, cancelled 4", "setup active cancelling cancelled", TestName = "A clock that was set back breaks no legal order")]
    [TestCase("setup 1, cancelling 2, active 3, cancelled 4", "setup cancelling active cancelled", TestName = "What was neither sent nor done in a legal order is told as it was sent")]
    public void The_order_is_the_legal_one(string said, string wanted)
    {
        var events = said.Split(", ").Select((status, position) => Event(status.Split(' '), position)).ToList();
        string.Join(" ", StatusPath.Of(events, IsLegal)).ShouldBe(wanted);
    }

    private static bool IsLegal(List<MigrationStatus> path) =>
        path.Prepend(MigrationStatus.None).Zip(path).All(step => StatusEdges.SourceMayGo(step.First, step.Second, new QemuVersion(11, 1, 3, "")));

    private static QmpEvent Event(string[] said, int position) =>
        new("MIGRATION", JsonDocument.Parse($$"""{"status": "{{said[0]}}"}""").RootElement, DateTimeOffset.UnixEpoch.AddMicroseconds(int.Parse(said[1], System.Globalization.CultureInfo.InvariantCulture)), TimeSpan.Zero, position);
}
