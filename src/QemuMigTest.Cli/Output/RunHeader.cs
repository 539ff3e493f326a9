using System.Globalization;
using QemuMigTest.Cli.Run;
using QemuMigTest.Results;

namespace QemuMigTest.Cli.Output;

/// <summary>What is said before the first test: what is tested, and on what.</summary>
internal static class RunHeader
{
    public static void Write(IScreen screen, RunPlan plan)
    {
        var environment = plan.Environment;
        var same = environment.Source is not null && environment.Source == environment.Destination;
        if (environment.Source is { } source)
            Row(screen, same ? "QEMU" : "source", Describe(source));
        if (!same && environment.Destination is { } destination)
            Row(screen, "destination", Describe(destination));
        if (environment.MachineType is { } machine)
            Row(screen, "machine", machine);
        if (environment.Accelerator is { } accelerator)
            Row(screen, "accelerator", environment.AcceleratorReason is { } reason ? $"{accelerator}: {reason}" : accelerator);
        Row(screen, "host", Describe(environment.Host));
        Row(screen, "tests", DescribeWork(plan));
        screen.Line(0);
    }

    private static void Row(IScreen screen, string name, string text) =>
        screen.Line(0, new Piece($"{name,-12}", Tone.Faint), text);

    private static string Describe(QemuRecord qemu)
    {
        var text = qemu.Name == qemu.Path ? qemu.Version : $"{qemu.Name} {qemu.Version}";
        if (qemu.Package is not null)
            text += $" ({qemu.Package})";
        return $"{text}  {qemu.Path}";
    }

    private static string Describe(HostRecord host)
    {
        var memory = string.Create(CultureInfo.InvariantCulture, $"{host.MemoryBytes / (double)(1L << 30):0.#} GiB");
        return $"{host.Distribution}, Linux {host.Kernel}, {Texts.Count(host.Cpus, "processor")} ({host.CpuModel}), {memory}";
    }

    private static string DescribeWork(RunPlan plan)
    {
        var settings = plan.Settings;
        var text = Texts.Count(plan.Tests.Count, "test");
        if (plan.Tests.Count > 1)
            text += settings.Jobs == 1 ? ", one at a time" : $", {settings.Jobs} at a time";
        text += (settings.Repeat, settings.UntilFailure) switch
        {
            (1, _) => "",
            (null, _) => ", until one fails",
            ({ } rounds, true) => $", until one fails, {Texts.Count(rounds, "round")} at most",
            ({ } rounds, false) => $", {Texts.Count(rounds, "round")}",
        };
        return $"{text}; results in {RunSummary.FolderForPeople(settings, ".")}";
    }
}
