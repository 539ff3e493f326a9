using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;

namespace QemuMigTest.Streams;

/// <summary>The bytes that a stream is read from: a file, or memory. It can be read at any place.</summary>
internal abstract class StreamSource : IDisposable
{
    /// <summary>The file's path, or null.</summary>
    public string? Path { get; private init; }

    /// <summary>How many bytes there are.</summary>
    public long Length { get; private init; }

    /// <summary>Opens a file.</summary>
    /// <exception cref="IOException">It is not there, is no plain file, or cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be opened.</exception>
    public static StreamSource OfFile(string path)
    {
        // To open a pipe would wait for its writer.
        if (Syscall.stat(path, out var status) == 0 && (status.st_mode & FilePermissions.S_IFMT) != FilePermissions.S_IFREG)
        {
            throw new IOException($"{path} is no plain file, and a stream is read from both its ends.");
        }

        var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        return new FileSource(handle) { Path = path, Length = RandomAccess.GetLength(handle) };
    }

    /// <summary>Memory.</summary>
    public static StreamSource OfMemory(ReadOnlyMemory<byte> memory) => new MemorySource(memory) { Length = memory.Length };

    /// <summary>Reads some bytes.</summary>
    /// <returns>How many; less than asked for only at the end.</returns>
    public abstract int Read(Span<byte> buffer, long offset);

    /// <summary>Closes the file.</summary>
    public virtual void Dispose()
    {
    }

    private sealed class FileSource(SafeFileHandle handle) : StreamSource
    {
        public override int Read(Span<byte> buffer, long offset)
        {
            var count = 0;
            while (count < buffer.Length && RandomAccess.Read(handle, buffer[count..], offset + count) is > 0 and var more)
            {
                count += more;
            }

            return count;
        }

        public override void Dispose()
        {
            handle.Dispose();
            base.Dispose();
        }
    }

    private sealed class MemorySource(ReadOnlyMemory<byte> memory) : StreamSource
    {
        public override int Read(Span<byte> buffer, long offset)
        {
            var count = (int)Math.Clamp(memory.Length - offset, 0, buffer.Length);
            memory.Span.Slice((int)Math.Min(offset, memory.Length), count).CopyTo(buffer);
            return count;
        }
    }
}
