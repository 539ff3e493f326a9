using System.Runtime.InteropServices;

namespace QemuMigTest.Cli.Output;

/// <summary>Writes to a standard stream of this process.</summary>
/// <remarks>
/// The console stream of .NET hides that its reader has gone, and a run would go on for minutes that nobody watches.
/// Here the first write that fails is told once to <see cref="Broken"/>, and later ones go nowhere.
/// </remarks>
internal sealed partial class StandardStream(int descriptor) : Stream
{
    private const int Eintr = 4;
    private const int Eagain = 11;
    private const short PollOut = 4;

    private bool _broken;

    /// <summary>Called once, with the error number, when a write fails: EPIPE if the reader has gone.</summary>
    public Action<int>? Broken { get; set; }

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!_broken && !buffer.IsEmpty)
        {
            var written = write(descriptor, ref MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }
            switch (Marshal.GetLastPInvokeError())
            {
                case Eintr:
                    break;
                case Eagain:
                    // Someone who shares the terminal has made it non-blocking.
                    var wanted = new PollFd { Descriptor = descriptor, Events = PollOut };
                    _ = poll(ref wanted, 1, -1);
                    break;
                case var error:
                    _broken = true;
                    Broken?.Invoke(error);
                    break;
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, ref byte buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(ref PollFd descriptors, nuint count, int timeoutMilliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
