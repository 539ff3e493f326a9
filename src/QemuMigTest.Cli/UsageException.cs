namespace QemuMigTest.Cli;

/// <summary>The command was asked for something that can not be meant. The message is for the user, and the exit code is 2.</summary>
internal sealed class UsageException(string message) : Exception(message);
