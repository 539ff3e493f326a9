using System.Runtime.InteropServices;

namespace QemuMigTest.Qmp;

/// <summary>Keeps a file descriptor from being closed while it is being sent.</summary>
internal sealed class DescriptorLease : IDisposable
{
    private readonly SafeHandle _handle;
    private bool _held;

    /// <exception cref="ArgumentException">The handle is invalid.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public DescriptorLease(SafeHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        if (handle.IsInvalid)
            throw new ArgumentException("An invalid file descriptor cannot be sent.", nameof(handle));
        _handle = handle;
        _handle.DangerousAddRef(ref _held);
    }

    public int Descriptor => (int)_handle.DangerousGetHandle();

    public void Dispose()
    {
        if (_held)
            _handle.DangerousRelease();
        _held = false;
    }
}
