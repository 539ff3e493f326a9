using System.Buffers.Binary;

namespace QemuMigTest.Streams;

/// <summary>Reads the commands within a stream.</summary>
internal sealed class CommandReader(StreamInput input)
{
    /// <summary>All page sizes of the host's memory behind RAM, or'ed, when the stream is made for postcopy; else null.</summary>
    public ulong? HostPageSizes { get; private set; }

    /// <summary>Reads one; the byte that announces it is behind already.</summary>
    /// <returns>Its name.</returns>
    public string Read()
    {
        var offset = input.Position;
        var number = input.TakeUInt16("the number of a command");
        var command = KnownCommand.Of(number) ?? throw input.Error(offset, "a command that is known (1 to 11)", $"0x{number:x}");
        var lengthOffset = input.Position;
        var length = input.TakeUInt16($"the length of the command {command.Name}");
        if (length < command.MinLength || length > command.MaxLength)
        {
            throw input.Error(lengthOffset, $"{command.MinLength} to {command.MaxLength} bytes of data of the command {command.Name}", $"{length}");
        }

        var data = input.Take(length, $"the data of the command {command.Name}");
        switch (number)
        {
            case KnownCommand.PostcopyAdviseNumber when length > 0:
                HostPageSizes = length == 2 * sizeof(ulong)
                    ? BinaryPrimitives.ReadUInt64BigEndian(data)
                    : throw input.Error(lengthOffset, $"0 or {2 * sizeof(ulong)} bytes of data of the command {command.Name}", $"{length}");
                break;
            case KnownCommand.PackagedNumber:
                // A stream of devices within the stream, which nothing describes.
                input.Skip(BinaryPrimitives.ReadUInt32BigEndian(data), "the package that the command announces");
                break;
        }

        return command.Name;
    }
}
