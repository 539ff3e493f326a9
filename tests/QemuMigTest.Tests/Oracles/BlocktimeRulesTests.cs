using System.Text.Json;
using NUnit.Framework;
using QemuMigTest.Oracles;
using Shouldly;

namespace QemuMigTest.Tests.Oracles;

public sealed class BlocktimeRulesTests
{
    // As 11.1.3 and 10.0.2 said them.
    private const string Latencies = """
        {"postcopy-blocktime": 499, "postcopy-non-vcpu-latency": 0, "postcopy-vcpu-latency": [4233403], "postcopy-latency-dist": [0, 2, 0, 3, 8, 24, 9, 5, 5, 5, 2, 19, 18, 11, 4, 2, 0, 0, 0, 0, 0, 0, 0, 0],
         "postcopy-latency": 4233403, "postcopy-vcpu-blocktime": [495]}
        """;

    private const string OfNoVcpu = """
        {"postcopy-blocktime": 0, "postcopy-non-vcpu-latency": 98553075, "postcopy-vcpu-latency": [0], "postcopy-latency-dist": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0],
         "postcopy-latency": 98553075, "postcopy-vcpu-blocktime": [0]}
        """;

    private const string Times = """{"postcopy-blocktime": 290, "postcopy-vcpu-blocktime": [290]}""";

    [TestCase(Latencies, 117), TestCase(OfNoVcpu, 4), TestCase(Times, 138)]
    public void What_a_QEMU_said_of_a_good_postcopy_is_accepted(string info, int requests) => Check(info, requests).ShouldBeEmpty();

    [TestCase(Times, "\"postcopy-blocktime\": 290", "\"postcopy-blocktime\": 2900", "a blocktime is 2900 ms")]
    [TestCase(Times, "[290]", "[2900]", "a blocktime is 2900 ms")]
    [TestCase(Times, "\"postcopy-vcpu-blocktime\"", "\"other\"", "there is no postcopy-blocktime or no postcopy-vcpu-blocktime")]
    [TestCase(Latencies, "4233403,", "423340,", "117 page faults of 423 µs (postcopy-latency) make 50 ms; postcopy-vcpu-blocktime says 495 ms")]
    [TestCase(Latencies, "4233403,", "42334030,", "postcopy-latency is 42334 µs; by postcopy-latency-dist 117 page faults took 5844 µs at most")]
    [TestCase(OfNoVcpu, "4, 0,", "0, 4,", "postcopy-latency is 98553 µs; by postcopy-latency-dist 4 page faults, none of a vCPU, took 131072 µs at least on the mean")]
    [TestCase(Latencies, "[495]", "[49]", "117 page faults of 4233 µs (postcopy-latency) make 495 ms; postcopy-vcpu-blocktime says 49 ms")]
    [TestCase(Latencies, "[0, 2, 0, 3, 8, 24, 9, 5, 5, 5, 2, 19, 18, 11, 4, 2,", "[", "the source got 117 postcopy-requests, and postcopy-latency-dist counts no page fault")]
    public void A_number_that_cannot_be_is_named(string info, string said, string instead, string finding) =>
        Check(info.Replace(said, instead, StringComparison.Ordinal), 117).ShouldContain(text => text.Contains(finding, StringComparison.Ordinal));

    private static IEnumerable<string> Check(string info, long requests) => BlocktimeRules.Check(JsonElement.Parse(info), requests, longest: 1200);
}
