namespace QemuMigTest.Tls;

/// <summary>A group for the Diffie-Hellman key exchange, which a server before QEMU 10.2 searches for anew, for seconds, unless it is given one.</summary>
internal static class DiffieHellman
{
    /// <summary>The file in the folder of a server's credentials that QEMU reads it from.</summary>
    public const string FileName = "dh-params.pem";

    /// <summary>ffdhe2048 of RFC 7919, as PKCS #3.</summary>
    public const string Group = """
        -----BEGIN DH PARAMETERS-----
        MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
        +8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
        87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
        YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
        7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
        ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
        -----END DH PARAMETERS-----

        """;
}
