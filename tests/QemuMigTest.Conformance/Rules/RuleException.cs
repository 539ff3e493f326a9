namespace QemuMigTest.Conformance.Rules;

/// <summary>QEMU does not refuse, accept or migrate with what the tables say; all that does not hold is in the message.</summary>
public sealed class RuleException(string message, Exception? inner = null) : QemuMigTestException(message, inner);
