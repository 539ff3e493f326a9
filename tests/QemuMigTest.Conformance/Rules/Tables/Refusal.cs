using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.Rules;

/// <summary>Why a command must be refused, and what QEMU's error must name.</summary>
/// <param name="Rule">The rule, for people.</param>
/// <param name="Words">What the error's text must contain, all of them; case and <c>_</c> for <c>-</c> do not matter.</param>
internal sealed record Refusal(string Rule, params IReadOnlyList<string> Words)
{
    private const string Class = "GenericError";

    /// <summary>Whether an error is this refusal's.</summary>
    public bool Matches(QmpCommandException error) => error.ErrorClass == Class
        && Words.All(word => Plain(error.Description).Contains(Plain(word), StringComparison.OrdinalIgnoreCase));

    /// <inheritdoc/>
    public override string ToString() => $"{Rule} (an error of class {Class} that names {string.Join(", ", Words.Select(word => $"\"{word}\""))})";

    private static string Plain(string text) => text.Replace('_', '-');
}
