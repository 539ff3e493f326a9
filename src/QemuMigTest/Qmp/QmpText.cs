using System.Text;

namespace QemuMigTest.Qmp;

/// <summary>Lines as text for messages.</summary>
internal static class QmpText
{
    /// <summary>The text, or its first characters and an ellipsis; never longer than <paramref name="length"/>.</summary>
    public static string Cut(string text, int length) => text.Length <= length ? text : string.Concat(text.AsSpan(0, length - 1), "…");

    /// <summary>What can be read of bytes that need not be text.</summary>
    public static string Of(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
