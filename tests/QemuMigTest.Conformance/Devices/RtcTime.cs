using System.Text.Json;

namespace QemuMigTest.Conformance.Devices;

/// <summary>What a machine's property <c>rtc-time</c> says: C's struct tm.</summary>
internal static class RtcTime
{
    /// <summary>The date and the time.</summary>
    /// <param name="time">The property's value.</param>
    public static DateTimeOffset Of(JsonElement time) =>
        new(1900 + time.GetProperty("tm_year").GetInt32(), 1 + time.GetProperty("tm_mon").GetInt32(), time.GetProperty("tm_mday").GetInt32(),
            time.GetProperty("tm_hour").GetInt32(), time.GetProperty("tm_min").GetInt32(), time.GetProperty("tm_sec").GetInt32(), TimeSpan.Zero);
}
