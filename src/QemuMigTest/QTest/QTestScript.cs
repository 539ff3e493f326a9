namespace QemuMigTest.QTest;

/// <summary>Reads and writes of a machine's registers that are sent all at once, and what the reads gave, by name.</summary>
public sealed class QTestScript
{
    private readonly List<string> _commands = [];
    private readonly List<(string Name, ulong Mask)?> _reads = [];

    /// <summary>Adds a command whose reply, if it has one, nobody wants.</summary>
    /// <param name="command">A line of the protocol, such as <c>outb 0x70 0x45</c>.</param>
    public QTestScript Do(string command) => Add(command, null);

    /// <summary>Adds a command whose reply is a number.</summary>
    /// <param name="name">What it is, once in a script.</param>
    /// <param name="command">A line of the protocol, such as <c>inb 0x71</c>.</param>
    /// <param name="mask">The bits of it that are wanted.</param>
    public QTestScript Read(string name, string command, ulong mask = ulong.MaxValue) => Add(command, (name, mask));

    /// <summary>Executes all of it, in order.</summary>
    /// <param name="qtest">Where.</param>
    /// <returns>What was read.</returns>
    /// <exception cref="QTestException">A command was refused, or QEMU is gone.</exception>
    public IReadOnlyDictionary<string, ulong> Execute(QTestClient qtest)
    {
        ArgumentNullException.ThrowIfNull(qtest);
        return qtest.ExecuteAll(_commands).Zip(_reads)
            .Where(answer => answer.Second is not null)
            .ToDictionary(answer => answer.Second!.Value.Name, answer => answer.First & answer.Second!.Value.Mask);
    }

    private QTestScript Add(string command, (string Name, ulong Mask)? read)
    {
        _commands.Add(command);
        _reads.Add(read);
        return this;
    }
}
