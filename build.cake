// The project's tasks: dotnet tool restore, then dotnet cake --target=NAME. None is needed to build, test or run; CI calls .ci/run.
var target = Argument("target", "Test");
var path = Argument("path", "");
var configuration = Argument("configuration", "Debug");

void Run(string tool, params string[] arguments)
{
    var settings = new ProcessSettings { Arguments = new ProcessArgumentBuilder() };
    foreach (var argument in arguments)
        settings.Arguments.AppendQuoted(argument);
    var code = StartProcess(tool, settings);
    if (code != 0)
        throw new CakeException($"{tool} {string.Join(' ', arguments)} ended with exit code {code}");
}

// The command that this project builds.
void Command(params string[] arguments) =>
    Run("dotnet", ["run", "--no-build", "--configuration", configuration, "--project", "src/QemuMigTest.Cli", "--", .. arguments]);

Task("BootBlocks")
    .Description("Assembles asm/*.S into bootblocks/ (needs binutils).")
    .Does(() =>
{
    var folder = Directory("bootblocks").Path;
    var temporary = Directory("tools/bootblocks").Path;
    EnsureDirectoryExists(temporary);
    foreach (var source in GetFiles("asm/*.S"))
    {
        string At(DirectoryPath parent, string extension) => parent.CombineWithFilePath(source.GetFilenameWithoutExtension() + extension).FullPath;
        var elf = At(temporary, ".elf");
        // A guest that enters 64-bit mode is assembled for it; what it is before does not mind.
        var bits64 = System.IO.File.ReadAllText(source.FullPath).Contains(".code64");
        Run("as", bits64 ? "--64" : "--32", "-o", At(temporary, ".o"), source.FullPath);
        Run("ld", "-m", bits64 ? "elf_x86_64" : "elf_i386", "-Ttext", "0x7c00", "-e", "_start", "-o", elf, At(temporary, ".o"));
        Run("objcopy", "-O", "binary", "-j", ".text", elf, At(temporary, ".bin"));
        // objcopy makes its output executable; only the bytes are wanted.
        System.IO.File.WriteAllBytes(At(folder, ".bin"), System.IO.File.ReadAllBytes(At(temporary, ".bin")));
        StartProcess("nm", new ProcessSettings
        {
            Arguments = new ProcessArgumentBuilder().Append("--extern-only").Append("--numeric-sort").AppendQuoted(elf),
            RedirectStandardOutput = true,
        }, out var symbols);
        // The linker adds symbols of its own.
        string[] linkers = ["__bss_start", "_edata", "_end"];
        var ours = symbols.Where(line => line.Length > 8 && !linkers.Contains(line.Split(' ')[^1]));
        System.IO.File.WriteAllText(At(folder, ".sym"), string.Concat(ours.Select(line => line + "\n")));
        Information("{0}: {1} bytes", source.GetFilename(), new FileInfo(At(folder, ".bin")).Length);
    }
});

Task("Build")
    .Description("Builds everything.")
    .Does(() => DotNetBuild("QemuMigTest.sln", new DotNetBuildSettings { Configuration = configuration }));

Task("Test")
    .Description("The project's tests, the suite on a real QEMU included; --path=/migration/... for a part of the suite.")
    .IsDependentOn("Build")
    .Does(() =>
{
    if (path == "")
        Run("dotnet", "test", "--no-build", "--configuration", configuration);
    else
        Run("dotnet", "test", "--no-build", "--configuration", configuration, "--project", "tests/QemuMigTest.Conformance", "--filter", $"TestCategory={path}");
});

Task("Run")
    .Description("The suite by the command; --path=/migration/... for a part of it.")
    .IsDependentOn("Build")
    .Does(() =>
{
    if (path == "")
        Command("run");
    else
        Command("run", "--path", path);
});

Task("Catalogue")
    .Description("Makes docs/catalogue.md again: runs the suite on three builds.")
    .IsDependentOn("Build")
    .Does(() =>
{
    string[] suites = ["bookworm", "bookworm-backports", "trixie-backports"];
    foreach (var suite in suites)
        Command("run", "--qemu", suite, "--accel", "tcg", "--results", $"results/{suite}");
    Command(["catalogue", .. suites.Select(suite => $"results/{suite}")]);
});

Task("Bench")
    .Description("Makes docs/benchmark.md: the suite beside QEMU's own harness; --upstream=SCRIPT that runs it, else QEMU_MIG_TEST_UPSTREAM.")
    .IsDependentOn("Build")
    .Does(() =>
{
    var upstream = Argument("upstream", EnvironmentVariable("QEMU_MIG_TEST_UPSTREAM") ?? "");
    if (upstream == "")
        throw new CakeException("Upstream's harness is not part of this project: give the script that runs it with --upstream=SCRIPT, or in QEMU_MIG_TEST_UPSTREAM. "
            + "'qemu-mig-test bench --help' says what the script must do.");
    Command("bench", "--upstream", upstream);
});

Task("Format")
    .Description("Formats the code.")
    .Does(() => DotNetFormat("QemuMigTest.sln"));

Task("Ci")
    .Description("What CI does.")
    .Does(() => Run("bash", ".ci/run"));

RunTarget(target);
