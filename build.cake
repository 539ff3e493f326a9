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
        Run("as", "--32", "-o", At(temporary, ".o"), source.FullPath);
        Run("ld", "-m", "elf_i386", "-Ttext", "0x7c00", "-e", "_start", "-o", elf, At(temporary, ".o"));
        Run("objcopy", "-O", "binary", "-j", ".text", elf, At(temporary, ".bin"));
        // objcopy makes its output executable; only the bytes are wanted.
        System.IO.File.WriteAllBytes(At(folder, ".bin"), System.IO.File.ReadAllBytes(At(temporary, ".bin")));
        StartProcess("nm", new ProcessSettings
        {
            Arguments = new ProcessArgumentBuilder().Append("--extern-only").Append("--numeric-sort").AppendQuoted(elf),
            RedirectStandardOutput = true,
        }, out var symbols);
        // The linker's own symbols lie behind the sector.
        var ours = symbols.Where(line => line.Length > 8 && Convert.ToUInt32(line[..8], 16) < 0x7e00);
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
    var arguments = new List<string> { "run", "--no-build", "--configuration", configuration, "--project", "src/QemuMigTest.Cli", "--", "run" };
    if (path != "")
        arguments.AddRange(["--path", path]);
    Run("dotnet", arguments.ToArray());
});

Task("Catalogue")
    .Description("Makes docs/catalogue.md again: runs the suite on three builds.")
    .IsDependentOn("Build")
    .Does(() =>
{
    void Command(params string[] arguments) =>
        Run("dotnet", ["run", "--no-build", "--configuration", configuration, "--project", "src/QemuMigTest.Cli", "--", .. arguments]);
    string[] suites = ["bookworm", "bookworm-backports", "trixie-backports"];
    foreach (var suite in suites)
        Command("run", "--qemu", suite, "--results", $"results/{suite}");
    Command(["catalogue", .. suites.Select(suite => $"results/{suite}")]);
});

Task("Format")
    .Description("Formats the code.")
    .Does(() => DotNetFormat("QemuMigTest.sln"));

Task("Ci")
    .Description("What CI does.")
    .Does(() => Run("bash", ".ci/run"));

RunTarget(target);
