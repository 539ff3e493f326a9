using QemuMigTest.Guests.State;
using QemuMigTest.Migration;
using QemuMigTest.Processes;

namespace QemuMigTest.Oracles;

/// <summary>The state guest finds no damage, all its vCPUs go on where it should be, and stand still where it is not.</summary>
internal sealed class StateGuestOracle : IPairOracle
{
    // Low memory is summed up 64 KiB a lap, PCI looked at a function a lap: each has had its turn.
    private const ulong Laps = 24;

    public string Name => "state guest";

    public async Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct)
    {
        var findings = new List<OracleFinding>();
        if (pair.StateProgram is not { } program)
        {
            return findings;
        }

        var holder = pair.Holder;
        if (holder == pair.Source && pair.SourceStopped)
        {
            await holder.ContinueAsync(ct);
        }

        var left = holder == pair.Source || pair.Lost.Contains(pair.Source) || pair.Source.Process.HasExecutedAnother ? null : pair.Source;
        var leftBefore = left is null ? null : Read(left, program);
        await CheckMoves(pair, program, findings, ct);
        await holder.StopAsync(ct);
        var stopped = Read(holder, program);
        if (left is not null && leftBefore is not null)
        {
            CheckLeft(left.Name, leftBefore, Read(left, program), findings);
            foreach (var (before, now) in leftBefore.Zip(stopped).Where(vcpu => vcpu.Second.Laps < vcpu.First.Laps))
            {
                findings.Add(new(Name, holder.Name, $"vCPU {before.Number} is at lap {now.Laps}, behind lap {before.Laps} at which it left the source"));
            }
        }

        foreach (var (before, now) in stopped.Zip(Read(holder, program)).Where(vcpu => vcpu.First != vcpu.Second))
        {
            findings.Add(new(Name, holder.Name, $"it is stopped, and vCPU {before.Number} moved from {before} to {now}"));
        }

        for (var late = Started(holder, program); late < stopped.Count; late++)
        {
            if (stopped[late].Laps > 0)
            {
                findings.Add(new(Name, holder.Name, $"vCPU {late} has made {stopped[late].Laps} laps, and nobody has started it yet"));
            }
        }

        foreach (var side in pair.Sides)
        {
            CheckSerial(side, program, findings);
        }

        foreach (var vcpu in stopped.Where(vcpu => vcpu.Damages > 0 && findings.Count == 0))
        {
            findings.Add(new(Name, holder.Name, $"vCPU {vcpu.Number} has counted {vcpu.Damages} damages, and none came over the serial line"));
        }

        return findings;
    }

    private async Task CheckMoves(MigrationPair pair, StateProgram program, List<OracleFinding> findings, CancellationToken ct)
    {
        var holder = pair.Holder;
        var serial = holder.Serial.Position;
        var before = Read(holder, program);
        var now = before;
        var started = Started(holder, program);
        var limit = pair.Environment.Limits.Step;
        try
        {
            await Poll.UntilAsync(holder.Name, $"{Laps} laps of each vCPU, and interrupts of its timer and of the HPET", _ =>
            {
                now = Read(holder, program);
                return Task.FromResult(now.Zip(before).Take(started).All(vcpu => HasGoneOn(vcpu.First, vcpu.Second)) ? now : null);
            }, () => string.Join("; ", now.Zip(before).Take(started).Select(vcpu => Progress(vcpu.First, vcpu.Second))), limit, ct);
            await holder.Serial.WaitForAsync('B', await holder.Serial.WaitForAsync('B', serial, ct), ct);
        }
        catch (WaitTimeoutException e)
        {
            findings.Add(new(Name, holder.Name, e.Message));
        }
    }

    // The HPET interrupts the first alone.
    private static bool HasGoneOn(StateVcpu now, StateVcpu before) =>
        now.Laps >= before.Laps + Laps && now.TimerInterrupts > before.TimerInterrupts && (now.Number != 0 || now.HpetInterrupts > before.HpetInterrupts);

    private static string Progress(StateVcpu now, StateVcpu before) =>
        $"vCPU {now.Number} has made {now.Laps - before.Laps} laps, with {now.TimerInterrupts - before.TimerInterrupts} interrupts of its timer and {now.HpetInterrupts - before.HpetInterrupts} of the HPET";

    private void CheckLeft(string side, IReadOnlyList<StateVcpu> before, IReadOnlyList<StateVcpu> after, List<OracleFinding> findings)
    {
        foreach (var (first, second) in before.Zip(after).Where(vcpu => vcpu.First != vcpu.Second))
        {
            findings.Add(new(Name, side, $"vCPU {first.Number} moved after the switchover, from {first} to {second}"));
        }
    }

    private void CheckSerial(MigrationSide side, StateProgram program, List<OracleFinding> findings)
    {
        var damage = StateDamage.Parse(side.Serial.Text, out var strange);
        findings.AddRange(damage.Select(one => one.Describe(program)).Concat(strange).Select(finding => new OracleFinding(Name, side.Name, finding)));
    }

    // vCPUs that are late, and have no number yet, wait for their start-up interrupts until they are let go.
    private static int Started(MigrationSide side, StateProgram program) =>
        program.Settings.Vcpus - (side.Process.QTest!.ReadByte(program.Symbols["late_go"]) == 0 ? program.Settings.LateVcpus : 0);

    private static List<StateVcpu> Read(MigrationSide side, StateProgram program) =>
        [.. Enumerable.Range(0, program.Settings.Vcpus).Select(vcpu => StateVcpu.Read(side.Process.QTest!.Read(program.AddressOf(vcpu), StateVcpu.Size), program.Symbols))];
}
