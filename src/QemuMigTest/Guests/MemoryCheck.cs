using System.Globalization;
using System.Text;

namespace QemuMigTest.Guests;

/// <summary>What came of comparing every byte of the test region with what the guest program must have made of it.</summary>
public sealed record MemoryCheck
{
    /// <summary>At most so many damaged pages, and so many runs of them, are kept with their details. All are counted.</summary>
    public const int DetailLimit = 32;

    /// <summary>The state of the guest that the region was compared with.</summary>
    public required GuestState State { get; init; }

    /// <summary>The guest-physical address of the region.</summary>
    public required uint RegionStart { get; init; }

    /// <summary>Pages of 4096 bytes that were compared: all of the region.</summary>
    public required int PagesChecked { get; init; }

    /// <summary>Pages that differ.</summary>
    public required int DamagedPages { get; init; }

    /// <summary>Bytes that differ.</summary>
    public required long DamagedBytes { get; init; }

    /// <summary>The first <see cref="DetailLimit"/> of the damaged pages.</summary>
    public required IReadOnlyList<PageDamage> Damage { get; init; }

    /// <summary>The first <see cref="DetailLimit"/> runs of neighbouring pages that are damaged in the same way.</summary>
    public required IReadOnlyList<DamageRun> Runs { get; init; }

    /// <summary>How many such runs there are.</summary>
    public required int RunCount { get; init; }

    /// <summary>Whether no byte differs.</summary>
    public bool IsIntact => DamagedPages == 0;

    /// <summary>Some lines for people: how much is damaged, where, and what it looks like.</summary>
    public string Describe() => Describe($"pages from 0x{RegionStart:x}");

    /// <inheritdoc cref="Describe()"/>
    /// <param name="what">What was compared: <c>pages from 0x100000</c>.</param>
    public string Describe(string what)
    {
        var text = new StringBuilder();
        var pages = PagesChecked.ToString("N0", CultureInfo.InvariantCulture);
        if (IsIntact)
            return $"All {pages} {what} are what they must be {State}.";
        text.Append(CultureInfo.InvariantCulture,
            $"{DamagedPages:N0} of {pages} {what} are damaged ({DamagedBytes:N0} bytes), the guest being {State}:");
        foreach (var run in Runs)
            text.Append("\n  ").Append(run);
        if (RunCount > Runs.Count)
            text.Append(CultureInfo.InvariantCulture, $"\n  and {RunCount - Runs.Count:N0} more such places");
        return text.ToString();
    }

    /// <inheritdoc cref="Describe()"/>
    public override string ToString() => Describe();
}
