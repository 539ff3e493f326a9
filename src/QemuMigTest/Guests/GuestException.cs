namespace QemuMigTest.Guests;

/// <summary>The guest, or what is known of it, is not what its program can be: a register it cannot hold, a boot block that is another's.</summary>
/// <remarks>The message quotes what was seen. Memory that is damaged is not an exception but a <see cref="MemoryCheck"/>.</remarks>
public class GuestException : QemuMigTestException
{
    public GuestException(string message) : base(message)
    {
    }

    public GuestException(string message, Exception? innerException) : base(message, innerException)
    {
    }
}
