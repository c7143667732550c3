namespace Headend.Eap.Tls;

/// <summary>Version of TLS as its wire number.</summary>
public readonly record struct TlsVersion(ushort Value)
{
    public static readonly TlsVersion Tls12 = new(0x0303);
    public static readonly TlsVersion Tls13 = new(0x0304);

    public override string ToString() => Value switch
    {
        0x0303 => "TLS 1.2",
        0x0304 => "TLS 1.3",
        _ => $"TLS 0x{Value:x4}",
    };
}
