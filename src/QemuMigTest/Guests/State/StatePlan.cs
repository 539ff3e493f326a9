namespace QemuMigTest.Guests.State;

/// <summary>What the state guest sets up, and what it looks at in each lap, as data.</summary>
/// <param name="GlobalSetup">Once, by the first vCPU, before the others are started.</param>
/// <param name="CpuSetup">Once by each vCPU.</param>
/// <param name="Before">By the first vCPU in each lap, before its registers are filled: what is left half done until after.</param>
/// <param name="CpuCheck">By each vCPU in each lap.</param>
/// <param name="After">By the first vCPU in each lap.</param>
/// <param name="Names">The names of items: item 1 is the first.</param>
public sealed record StatePlan(
    IReadOnlyList<StateOperation> GlobalSetup,
    IReadOnlyList<StateOperation> CpuSetup,
    IReadOnlyList<StateOperation> Before,
    IReadOnlyList<StateOperation> CpuCheck,
    IReadOnlyList<StateOperation> After,
    IReadOnlyList<string> Names)
{
    /// <summary>All that a q35 has without any device but its disk.</summary>
    /// <param name="firmwareInterrupts">SMIs in each lap (<see cref="StateGuestSettings.FirmwareInterrupts"/>).</param>
    public static StatePlan Q35(int firmwareInterrupts = 0)
    {
        var names = new List<string>();
        StateList List() => new(names);
        var (globalSetup, cpuSetup, before, cpuCheck, after) = (List(), List(), List(), List(), List());
        StateDevices.SetUp(globalSetup);
        StateProcessors.SetUp(cpuSetup);
        for (var interrupt = 0; interrupt < firmwareInterrupts; interrupt++)
        {
            StateDevices.InterruptFirmware(before);
        }

        StateDevices.LeaveHalfDone(before);
        StateProcessors.Check(cpuCheck, countsInterrupts: firmwareInterrupts == 0);
        StateDevices.FinishHalfDone(after);
        StateDevices.Check(after);
        return new(globalSetup.Operations, cpuSetup.Operations, before.Operations, cpuCheck.Operations, after.Operations, names);
    }

    /// <summary>The lists in the order in which the program has them.</summary>
    internal IEnumerable<(string Symbol, IReadOnlyList<StateOperation> Operations)> Lists =>
    [
        ("tables_global_setup", GlobalSetup),
        ("tables_cpu_setup", CpuSetup),
        ("tables_before", Before),
        ("tables_cpu_check", CpuCheck),
        ("tables_after", After),
    ];
}
