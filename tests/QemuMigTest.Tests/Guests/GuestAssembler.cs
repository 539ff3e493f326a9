using System.Diagnostics;
using NUnit.Framework;

namespace QemuMigTest.Tests.Guests;

/// <summary>Assembles a guest program of asm/ with the binutils of the machine.</summary>
internal static class GuestAssembler
{
    public static string Repository { get; } = FindRepository();

    /// <summary>The sector and the list of its symbols, as bootblocks/ has them.</summary>
    public static async Task<(byte[] Image, string Symbols)> AssembleAsync(string source, CancellationToken ct)
    {
        var folder = Directory.CreateTempSubdirectory("guest-assembler-");
        try
        {
            string At(string name) => Path.Combine(folder.FullName, name);
            var bits64 = (await File.ReadAllTextAsync(source, ct)).Contains(".code64", StringComparison.Ordinal);
            await RunAsync("as", [bits64 ? "--64" : "--32", "-o", At("guest.o"), source], ct);
            await RunAsync("ld", ["-m", bits64 ? "elf_x86_64" : "elf_i386", "-Ttext", "0x7c00", "-e", "_start", "-o", At("guest.elf"), At("guest.o")], ct);
            await RunAsync("objcopy", ["-O", "binary", "-j", ".text", At("guest.elf"), At("guest.bin")], ct);
            var symbols = await RunAsync("nm", ["--extern-only", "--numeric-sort", At("guest.elf")], ct);
            return (await File.ReadAllBytesAsync(At("guest.bin"), ct), OfTheProgram(symbols));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Without the linker's own symbols: where those are depends on the linker.</summary>
    private static string OfTheProgram(string symbols) => string.Concat(symbols
        .Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Where(line => line.Split(' ')[^1] is not ("__bss_start" or "_edata" or "_end"))
        .Select(line => line + "\n"));

    private static async Task<string> RunAsync(string tool, string[] arguments, CancellationToken ct)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        if (folders.Select(folder => Path.Combine(folder, tool)).FirstOrDefault(File.Exists) is not { } path)
        {
            Assert.Ignore($"Wanted: the assembler's tools as, ld, objcopy and nm. Not found on PATH: {tool}. Install the package binutils.");
            throw new InvalidOperationException("Assert.Ignore returned.");
        }

        using var process = Process.Start(new ProcessStartInfo(path, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync(ct);
        var errors = process.StandardError.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        if (process.ExitCode != 0 || await errors != "")
            throw new InvalidOperationException($"{tool} {string.Join(' ', arguments)} ended with {process.ExitCode}: {await errors}");
        return await output;
    }

    private static string FindRepository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "QemuMigTest.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds QemuMigTest.sln.");
    }
}
