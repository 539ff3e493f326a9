using System.Diagnostics;
using NUnit.Framework;
using QemuMigTest.Binaries;
using Shouldly;

namespace QemuMigTest.Tests.Binaries;

public sealed class QemuScriptTests
{
    [Test]
    public async Task The_script_starts_the_build_with_its_environment_and_passes_arguments_on_as_they_are(CancellationToken ct)
    {
        var folder = Directory.CreateTempSubdirectory("qmt-script-").FullName;
        try
        {
            var script = Path.Combine(folder, "it's-system-x86_64");
            QemuScript.Write(
                new QemuLaunch
                {
                    Name = "a\nbuild",
                    Executable = "/bin/sh",
                    FileName = "/bin/sh",
                    PrefixArguments = ["-c", "printf '%s|' \"$QEMU_MODULE_DIR\" \"$@\"", "sh", "-L", "two words"],
                    Environment = new Dictionary<string, string> { ["QEMU_MODULE_DIR"] = "/a b" },
                },
                script);

            using var process = Process.Start(new ProcessStartInfo(script, ["-m", "it's $HOME", ""]) { RedirectStandardOutput = true })!;
            (await process.StandardOutput.ReadToEndAsync(ct)).ShouldBe("/a b|-L|two words|-m|it's $HOME||");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
