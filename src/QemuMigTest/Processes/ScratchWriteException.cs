using System.Net.Sockets;

namespace QemuMigTest.Processes;

/// <summary>A file of a run cannot be written, such as on a full disk; the message says where and what to do.</summary>
public sealed class ScratchWriteException : QemuStartException
{
    public ScratchWriteException(string message, Exception? innerException) : base(message, innerException)
    {
    }

    /// <summary>Whether an error is, or comes from, a file that could not be written or read; a connection that broke is none.</summary>
    internal static bool IsBehind(Exception error)
    {
        for (var at = error; at is not null; at = at.InnerException)
        {
            if (at is UnauthorizedAccessException || (at is IOException and not EndOfStreamException && at.InnerException is not SocketException))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The error for a folder in which a file could not be written.</summary>
    internal static ScratchWriteException In(string folder, Exception error)
    {
        for (var at = error; at is not null; at = at.InnerException)
        {
            if (at is ScratchWriteException known)
            {
                return known;
            }
        }

        return new($"The scratch folder {folder} cannot be written to: {error.Message} Make room there, or set {ScratchDirectory.Variable} to another folder.", error);
    }
}
