using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices.Registers;

/// <summary>Of a disk on the ISA bus: the registers of its next command, those of the one before, and what it says of itself.</summary>
internal sealed class IdeRegisters(string image) : DeviceRegisters
{
    private const int Ports = 0x1a0;
    private const int Control = Ports + 8;
    private const int HighOrderBytes = 0x80;
    private const int First = 2;
    private const int Last = 6;
    private const int Command = Ports + 7;
    private const int SetMultiple = 0xc6;
    private const int SectorsAtOnce = 8;
    private const int Identify = 0xec;
    private const int IdentifyWords = 256;

    public override QemuCommandLine Arguments => new QemuCommandLine().With("-device", $"isa-ide,id=pio,iobase={Ports},iobase2={Control}")
        .With("-drive", $"if=none,id=drive-ide,format=raw,file={QemuCommandLine.InList(image)}").With("-device", "ide-hd,drive=drive-ide,bus=pio.0");

    public override void Plant(MigrationPair pair)
    {
        var script = new QTestScript().Do($"outb 0x{Ports + First:x} 0x{SectorsAtOnce:x}").Do($"outb 0x{Command:x} 0x{SetMultiple:x}");
        foreach (var value in new[] { 0x20, 0x70 })
        {
            for (var register = First; register < Last; register++)
            {
                script.Do($"outb 0x{Ports + register:x} 0x{value + register:x}");
            }
        }

        script.Do($"outb 0x{Ports + Last:x} 0xe9").Execute(pair.Source.Process.QTest!);
    }

    public override IReadOnlyDictionary<string, ulong> Read(QTestClient qtest)
    {
        var script = new QTestScript().Read("alternate status", $"inb 0x{Control:x}");
        foreach (var (name, control) in new[] { ("", 0), (", high order", HighOrderBytes) })
        {
            script.Do($"outb 0x{Control:x} 0x{control:x}");
            for (var register = 1; register <= 7; register++)
            {
                script.Read($"task file {register}{name}", $"inb 0x{Ports + register:x}");
            }
        }

        script.Do($"outb 0x{Control:x} 0").Do($"outb 0x{Command:x} 0x{Identify:x}");
        for (var word = 0; word < IdentifyWords; word++)
        {
            script.Read($"of itself, word {word}", $"inw 0x{Ports:x}");
        }

        return script.Execute(qtest);
    }
}
