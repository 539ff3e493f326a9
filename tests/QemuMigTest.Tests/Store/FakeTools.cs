using System.Diagnostics;

namespace QemuMigTest.Tests.Store;

/// <summary>Scripts called apt-get, apt-config and dpkg-deb in a folder; what they do is set by files beside them.</summary>
internal sealed class FakeTools
{
    // STEP is update, plan or download; STEP.error is what it fails with, STEP.hang makes it last, plan is what it would download.
    private const string AptGet =
        """
        #!/bin/sh
        here=$(dirname "$0")
        case " $* " in
            *" update "*) step=update ;;
            *" --print-uris "*) step=plan ;;
            *) step=download ;;
        esac
        echo "$step $*" >> "$here/calls"
        cp "$APT_CONFIG" "$here/apt.conf"
        if [ -e "$here/$step.hang" ]; then sleep 600 & echo $! > "$here/sleeper.new"; mv "$here/sleeper.new" "$here/sleeper"; wait; fi
        if [ -e "$here/$step.error" ]; then cat "$here/$step.error" >&2; exit 100; fi
        case $step in
            plan) echo "Reading package lists..."; cat "$here/plan" ;;
            download)
                archives=$(sed -n 's/^Dir::Cache::archives "\(.*\)";/\1/p' "$APT_CONFIG")
                for name in $(sed "s/^'[^']*' \([^ ]*\) .*/\1/" "$here/plan"); do
                    echo content > "$archives/partial/$name" && mv "$archives/partial/$name" "$archives/$name"
                done ;;
        esac
        """;

    private const string AptConfig =
        """
        #!/bin/sh
        echo 'Acquire::http::Proxy "http://proxy.example:3128";'
        echo 'APT::Update::Post-Invoke:: "rm -f /var/cache/apt/*.bin";'
        """;

    private const string DpkgDeb =
        """
        #!/bin/sh
        here=$(dirname "$0")
        if [ -e "$here/unpack.error" ]; then cat "$here/unpack.error" >&2; exit 2; fi
        mkdir -p "$3/usr/share/doc/$(basename "$2")"
        case $2 in */qemu-system-x86_*)
            mkdir -p "$3/usr/bin" "$3/usr/lib/x86_64-linux-gnu"
            cp "$here/loader" "$3/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
            cp "$here/loader" "$3/usr/bin/qemu-system-x86_64"
            chmod 4755 "$3/usr/bin/qemu-system-x86_64" ;;
        esac
        """;

    private const string Loader =
        """
        #!/bin/sh
        echo "QEMU emulator version 11.1.3 (Debian 1:11.1.3+ds-1)"
        """;

    public FakeTools(string folder)
    {
        Folder = Directory.CreateDirectory(folder).FullName;
        Set("plan", "'http://mirror.example/q.deb' qemu-system-x86_1%3a11.1.3+ds-1_amd64.deb 8 \n'http://mirror.example/l.deb' libc6_2.41-12_amd64.deb 8 SHA256:00\n");
    }

    public string Folder { get; }

    /// <summary>How apt-get was called: a line each, with the step first.</summary>
    public IReadOnlyList<string> Calls => File.Exists(At("calls")) ? File.ReadAllLines(At("calls")) : [];

    public string At(string name) => Path.Combine(Folder, name);

    public void Set(string name, string text) => File.WriteAllText(At(name), text);

    public FakeTools WithApt()
    {
        Install("apt-get", AptGet);
        Install("apt-config", AptConfig);
        Install("dpkg-deb", DpkgDeb);
        Install("loader", Loader);
        return this;
    }

    // Another process writes the file: one that this process has open for writing may be inherited by a child that another test
    // starts just then, and cannot be executed until that child has called exec ("text file busy").
    private void Install(string name, string script)
    {
        using var install = Process.Start(new ProcessStartInfo("install", ["-m755", "/dev/stdin", At(name)]) { RedirectStandardInput = true })!;
        install.StandardInput.Write(script + "\n");
        install.StandardInput.Close();
        install.WaitForExit();
    }
}
