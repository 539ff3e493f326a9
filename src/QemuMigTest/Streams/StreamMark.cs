namespace QemuMigTest.Streams;

/// <summary>The numbers by which a stream's parts are told apart.</summary>
internal static class StreamMark
{
    /// <summary>"QEVM", big endian.</summary>
    public const uint Magic = 0x5145564d;

    /// <summary>The only version in use; 2 was given up in 2009.</summary>
    public const uint Version = 3;

    public const byte EndOfState = 0x00;
    public const byte SectionStart = 0x01;
    public const byte SectionPart = 0x02;
    public const byte SectionEnd = 0x03;
    public const byte SectionFull = 0x04;
    public const byte Subsection = 0x05;
    public const byte Description = 0x06;
    public const byte Configuration = 0x07;
    public const byte Command = 0x08;
    public const byte Footer = 0x7e;

    /// <summary>The section that RAM is in, and the version of its format.</summary>
    public const string Ram = "ram";

    public const uint RamVersion = 4;
}
