using System.Text.Json;
using System.Text.Json.Nodes;
using QemuMigTest.Binaries;
using QemuMigTest.Guests;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;
using QemuMigTest.QTest;

namespace QemuMigTest.Migration;

/// <summary>One side of a migration: a QEMU, the guest in it, and what it says of both.</summary>
public sealed class MigrationSide : IAsyncDisposable
{
    /// <summary>The trace event with which QEMU says what it tracks dirty pages for (since 6.2).</summary>
    internal const string DirtyTrackingEvent = "global_dirty_changed";

    private const string StatusEvent = "MIGRATION";
    private int _statusPosition;

    internal MigrationSide(QemuProcess process, QemuBinary binary, GuestProgram program)
    {
        Process = process;
        Binary = binary;
        Program = program;
        Serial = new SerialLog(process);
        Memory = new GuestMemory(process);
    }

    /// <summary>"source" or "destination".</summary>
    public string Name => Process.Name;

    /// <summary>The process and its connections.</summary>
    public QemuProcess Process { get; }

    /// <summary>The build.</summary>
    public QemuBinary Binary { get; }

    /// <summary>The guest program that it boots, or waits for.</summary>
    public GuestProgram Program { get; }

    /// <summary>What the guest wrote here.</summary>
    public SerialLog Serial { get; }

    /// <summary>The guest's memory here.</summary>
    public GuestMemory Memory { get; }

    /// <summary>The position of the next event: take it before causing what is waited for.</summary>
    public int EventPosition => Process.Qmp.Events.Position;

    /// <summary>query-migrate-capabilities when they were last set by <see cref="EnableAsync"/>; null when a test has set some by itself since.</summary>
    internal IReadOnlyDictionary<string, bool>? CapabilitiesSet { get; private set; }

    /// <summary>query-migrate-parameters when they were last set by <see cref="SetParametersAsync"/>; null when a test has set some by itself since.</summary>
    internal JsonObject? ParametersSet { get; private set; }

    /// <summary>Whether commands of the migration are typed in the human monitor, where that has them.</summary>
    internal bool UsesHumanMonitor { get; init; }

    /// <summary>Executes a QMP command, or its counterpart of HMP's (<see cref="PairOptions.HumanMonitor"/>).</summary>
    public Task<JsonElement> ExecuteAsync(string command, JsonObject? arguments, CancellationToken ct)
    {
        if (command is "migrate-set-capabilities" or "migrate-set-parameters")
        {
            (CapabilitiesSet, ParametersSet) = (null, null);
        }

        return UsesHumanMonitor && HumanMonitor.Lines(command, arguments) is { } lines ? TypeAsync(command, lines, ct) : Process.ExecuteAsync(command, arguments, ct);
    }

    /// <summary>Executes a command out of band, while QEMU's main loop is busy; HMP has no such way.</summary>
    internal Task<JsonElement> ExecuteOutOfBandAsync(string command, JsonObject? arguments, CancellationToken ct) =>
        UsesHumanMonitor ? ExecuteAsync(command, arguments, ct) : Process.ExecuteOutOfBandAsync(command, arguments, ct);

    // HMP says nothing where all is well, and an error in words.
    private async Task<JsonElement> TypeAsync(string command, IReadOnlyList<string> lines, CancellationToken ct)
    {
        var from = EventPosition;
        foreach (var line in lines)
        {
            if (await HumanAsync(line, ct) is { Length: > 0 } said)
            {
                throw new QemuMigTestException($"{Name}: HMP {line}: {said.Trim()}");
            }
        }

        Process.Note(command, from);
        return default;
    }

    /// <summary>Has QEMU write to its log when it begins and ends to track dirty pages. A build whose traces go elsewhere writes nothing.</summary>
    internal Task TraceDirtyTrackingAsync(CancellationToken ct) =>
        // A pattern: one that matches nothing is no error, where a build has no traces at all.
        ExecuteAsync("trace-event-set-state", new() { ["name"] = $"{DirtyTrackingEvent}*", ["enable"] = true, ["ignore-unavailable"] = true }, ct);

    /// <summary>query-migrate-capabilities, by name.</summary>
    public async Task<IReadOnlyDictionary<string, bool>> QueryCapabilitiesAsync(CancellationToken ct) =>
        (await ExecuteAsync("query-migrate-capabilities", null, ct)).EnumerateArray()
            .ToDictionary(state => state.GetProperty("capability").GetString()!, state => state.GetProperty("state").GetBoolean());

    /// <summary>query-migrate-parameters.</summary>
    public async Task<JsonObject> QueryParametersAsync(CancellationToken ct) => JsonObject.Create(await ExecuteAsync("query-migrate-parameters", null, ct))!;

    /// <summary>query-status.</summary>
    public Task<RunState> QueryStatusAsync(CancellationToken ct) => RunState.QueryAsync(Process, ct);

    /// <summary>query-migrate.</summary>
    public async Task<MigrationInfo> QueryMigrateAsync(CancellationToken ct) => new(await ExecuteAsync("query-migrate", null, ct));

    /// <summary>Turns capabilities on (migrate-set-capabilities) and reads them back.</summary>
    /// <exception cref="QmpCommandException">QEMU refused one.</exception>
    public Task EnableAsync(IEnumerable<MigrationCapability> capabilities, CancellationToken ct) => SetAsync(capabilities, true, ct);

    /// <summary>Turns capabilities off (migrate-set-capabilities) and reads them back.</summary>
    /// <exception cref="QmpCommandException">QEMU refused one.</exception>
    public Task DisableAsync(IEnumerable<MigrationCapability> capabilities, CancellationToken ct) => SetAsync(capabilities, false, ct);

    /// <summary>Sets parameters (migrate-set-parameters) and reads them back.</summary>
    /// <exception cref="QmpCommandException">QEMU refused one.</exception>
    public async Task SetParametersAsync(JsonObject parameters, CancellationToken ct)
    {
        var (capabilities, before) = (CapabilitiesSet, ParametersSet);
        await ExecuteAsync("migrate-set-parameters", (JsonObject)parameters.DeepClone(), ct);
        var now = await QueryParametersAsync(ct);
        foreach (var (name, wanted) in parameters)
        {
            if (!JsonNode.DeepEquals(now[name], wanted))
            {
                throw new QemuMigTestException($"{Name}: migrate-set-parameters {name}={wanted?.ToJsonString()} was accepted, but query-migrate-parameters shows {now[name]?.ToJsonString() ?? "none"}");
            }
        }

        (CapabilitiesSet, ParametersSet) = (capabilities, Replace(before, parameters.Select(parameter => parameter.Key), now));
    }

    // Of the others the migration that is under way may have changed one: what they were when nothing had begun is what counts.
    private static JsonObject Replace(JsonObject? before, IEnumerable<string> names, JsonObject now)
    {
        if (before is null)
        {
            return now;
        }

        foreach (var name in names)
        {
            before[name] = now[name]?.DeepClone();
        }

        return before;
    }

    /// <summary>Unsets a parameter that is a name (migrate-set-parameters) and sees that it names nothing any more.</summary>
    /// <param name="parameter">Such as <c>tls-creds</c>.</param>
    /// <param name="none">How nothing is written: null, or the empty string.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="QmpCommandException">QEMU refused it.</exception>
    public async Task UnsetParameterAsync(string parameter, string? none, CancellationToken ct)
    {
        var (capabilities, before) = (CapabilitiesSet, ParametersSet);
        await ExecuteAsync("migrate-set-parameters", new() { [parameter] = none }, ct);
        var now = await ExecuteAsync("query-migrate-parameters", null, ct);
        if (now.TryGetProperty(parameter, out var left) && left is not { ValueKind: JsonValueKind.Null } && left.GetString() is { Length: > 0 } name)
        {
            throw new QemuMigTestException($"{Name}: migrate-set-parameters {parameter}={none ?? "null"} was accepted, but query-migrate-parameters still shows {name}");
        }

        (CapabilitiesSet, ParametersSet) = (capabilities, Replace(before, [parameter], JsonObject.Create(now)!));
    }

    /// <summary>Waits for a status of the migration; statuses are taken in order, each once.</summary>
    /// <param name="goal">What is waited for.</param>
    /// <param name="unless">What must not come before; by default the ends of a migration that are not the goal.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="MigrationFailedException">One of <paramref name="unless"/> came.</exception>
    /// <exception cref="WaitTimeoutException">It did not come in time.</exception>
    /// <exception cref="QemuExitedException">QEMU ended first.</exception>
    public async Task WaitForStatusAsync(MigrationStatus goal, IReadOnlyCollection<MigrationStatus>? unless = null, CancellationToken ct = default)
    {
        var forbidden = (unless ?? [MigrationStatus.Completed, MigrationStatus.Failed, MigrationStatus.Cancelled]).Where(status => status != goal).ToHashSet();
        var found = await Process.WaitForEventAsync(e => StatusOf(e) is { } status && (status == goal || forbidden.Contains(status)),
            _statusPosition, $"migration status {goal}", ct);
        _statusPosition = found.Position + 1;
        if (StatusOf(found) is { } seen && seen != goal)
        {
            throw new MigrationFailedException(Name, seen, $"status {goal}", (await QueryMigrateAsync(ct)).ErrorDescription);
        }
    }

    /// <summary>Forgets the statuses so far: what is waited for next is of a new migration.</summary>
    internal void SkipStatuses() => _statusPosition = EventPosition;

    /// <summary>The status that a MIGRATION event carries, or null for another event.</summary>
    public static MigrationStatus? StatusOf(QmpEvent e) => e.Name == StatusEvent ? new MigrationStatus(e.Data.GetProperty("status").GetString()!) : null;

    /// <summary>Waits for the first event of a name at or after a position.</summary>
    public Task<QmpEvent> WaitForEventAsync(string name, int from, CancellationToken ct) =>
        Process.WaitForEventAsync(e => e.Name == name, from, $"event {name}", ct);

    /// <summary>Stops the vCPUs (stop) and waits for the event.</summary>
    public Task StopAsync(CancellationToken ct) => CauseAsync("stop", "STOP", ct);

    /// <summary>Lets the vCPUs run (cont) and waits for the event.</summary>
    public Task ContinueAsync(CancellationToken ct) => CauseAsync("cont", "RESUME", ct);

    /// <summary>Makes a device do what has QEMU stop the guest, and waits for the events that tell of it. The oracles take them for wanted.</summary>
    /// <param name="act">What a guest would do, by qtest: a write to a port, a request to a disk.</param>
    /// <param name="cause">The event that says why, such as <c>WATCHDOG</c>; STOP comes too.</param>
    /// <param name="ct">Ends the wait.</param>
    internal async Task StopByDeviceAsync(Action<QTestClient> act, string cause, CancellationToken ct)
    {
        var from = EventPosition;
        act(Process.QTest!);
        foreach (var name in new[] { cause, "STOP" })
        {
            await WaitForDeviceEventAsync(name, from, ct);
        }
    }

    /// <summary>Waits for an event that tells what one of the guest's devices does by itself, such as <c>WATCHDOG</c> of one that stops nothing. The oracles take it for wanted, and no other of that name.</summary>
    public async Task<QmpEvent> WaitForDeviceEventAsync(string name, int from, CancellationToken ct)
    {
        var came = await WaitForEventAsync(name, from, ct);
        Process.Note(ExecutedCommand.ByDevice(name), came.Position);
        return came;
    }

    /// <summary>Executes a command and waits for the event that it causes.</summary>
    public async Task CauseAsync(string command, string eventName, CancellationToken ct)
    {
        var from = EventPosition;
        await ExecuteAsync(command, null, ct);
        await WaitForEventAsync(eventName, from, ct);
    }

    /// <summary>Breaks postcopy's channel on this side (migrate-pause, since 3.0; while recovering, since 8.2) and waits until it says so.</summary>
    public async Task PausePostcopyAsync(CancellationToken ct)
    {
        await ExecuteOutOfBandAsync("migrate-pause", null, ct);
        await WaitForStatusAsync(MigrationStatus.PostcopyPaused, ct: ct);
    }

    /// <summary>Has QEMU drop the migration's connections (yank, out of band, since 6.0) and does not wait for what comes of it.</summary>
    public Task YankAsync(CancellationToken ct) =>
        Process.ExecuteOutOfBandAsync("yank", new JsonObject { ["instances"] = new JsonArray(new JsonObject { ["type"] = "migration" }) }, ct);

    /// <summary>Executes a command of the human monitor and gives its text.</summary>
    public async Task<string> HumanAsync(string commandLine, CancellationToken ct) =>
        (await ExecuteAsync("human-monitor-command", new() { ["command-line"] = commandLine }, ct)).GetString()!;

    /// <summary>Where the guest program is: its pass and page, from the vCPU's registers. Exact while the VM is stopped.</summary>
    public async Task<GuestState> ReadGuestStateAsync(CancellationToken ct) => GuestState.FromRegisters(await HumanAsync("info registers", ct), Program);

    /// <summary>Ends QEMU and closes all connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        await Serial.DisposeAsync();
        Memory.Dispose();
    }

    private async Task SetAsync(IEnumerable<MigrationCapability> capabilities, bool on, CancellationToken ct)
    {
        var names = capabilities.Select(capability => capability.Name).ToList();
        await ExecuteAsync("migrate-set-capabilities", new()
        {
            ["capabilities"] = new JsonArray([.. names.Select(name => new JsonObject { ["capability"] = name, ["state"] = on })]),
        }, ct);
        var states = await QueryCapabilitiesAsync(ct);
        if (names.Where(name => states.GetValueOrDefault(name) != on).ToList() is { Count: > 0 } others)
        {
            throw new QemuMigTestException($"{Name}: migrate-set-capabilities was accepted, but query-migrate-capabilities shows {(on ? "off" : "on")}: {string.Join(", ", others)}");
        }

        (CapabilitiesSet, ParametersSet) = (states, await QueryParametersAsync(ct));
    }
}
