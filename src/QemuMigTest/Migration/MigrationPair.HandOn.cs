using QemuMigTest.Processes;
using QemuMigTest.Tls;

namespace QemuMigTest.Migration;

// From one QEMU to the next, and so on.
public sealed partial class MigrationPair
{
    private const string SourceTlsObject = "tls-source";
    private Task<MigrationSide>? _next;

    /// <summary>Begins to start the destination of the migration after this one, while this one is under way.</summary>
    public void PrepareNextDestination(CancellationToken ct) => _next ??= Options.Mode.DestinationJoinsLater ? null : StartDestinationSideAsync(ct);

    /// <summary>Makes the destination, which has the guest, the source of the next migration. The old source quits, unless it has executed the destination in its process (cpr-exec);
    /// a new destination is there when this returns, but with cpr-transfer and cpr-exec, where it joins later.</summary>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="InvalidOperationException">The guest is not on the destination, or both sides have one file as RAM.</exception>
    /// <exception cref="QemuExitedException">The old source did not end as it should when it was asked to quit.</exception>
    public async Task HandOnAsync(CancellationToken ct)
    {
        if (Holder != Destination || Options.Ram == GuestRam.SharedFile)
        {
            throw new InvalidOperationException($"The guest cannot be handed on: it is on the {Holder.Name}, RAM {Options.Ram}.");
        }

        PrepareNextDestination(ct);
        var left = Source;
        if (!left.Process.HasExecutedAnother)
        {
            await LeaveAsync(left, ct);
        }

        _retired.Add(left);
        Source = Holder;
        Destination = _next is null ? null! : await _next;
        _next = null;
        await ConfigureSourceAsync(ct);
        if (!(await Source.QueryStatusAsync(ct)).Running)
        {
            await Source.ContinueAsync(ct);
        }

        SourceStopped = false;
    }

    private async Task LeaveAsync(MigrationSide left, CancellationToken ct)
    {
        _lost.Add(left);
        var (status, killed) = await left.Process.QuitAsync(ct);
        if (killed || !status.IsSuccess)
        {
            throw new QemuExitedException(left.Name, status, "quit, after the guest had left it", left.Process.Stderr);
        }
    }

    // It has been a destination: what both sides have in common is set.
    private async Task ConfigureSourceAsync(CancellationToken ct)
    {
        await Source.EnableAsync([MigrationCapability.Events, .. Options.Capabilities, .. Options.SourceCapabilities], ct);
        await SetParametersAsync(Source, ct, Of(Options.Mode), Options.SourceParameters);
        if (Options.Tls?.Source is { } credentials)
        {
            var tls = credentials.Prepare(TlsEndpoint.Client, Environment.Tls, Scratch.CreateChild($"{Source.Name}-client-tls"), SourceTlsObject);
            foreach (var description in tls.CommandLine.Arguments.Where(argument => argument != "-object"))
            {
                var refusal = await Source.HumanAsync($"object_add {description}", ct);
                if (refusal.Trim().Length > 0)
                {
                    throw new QemuMigTestException($"{Source.Name}: object_add {description}: {refusal.Trim()}");
                }
            }

            await Source.SetParametersAsync(tls.Parameters, ct);
        }

        await SetConvergenceAsync(Options.Convergence, ct);
    }

    private async Task EndNextAsync()
    {
        if (_next is null)
        {
            return;
        }

        if (await Task.WhenAny(_next) is { IsCompletedSuccessfully: true, Result: var started })
        {
            await started.DisposeAsync();
        }
    }
}
