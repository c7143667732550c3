namespace Headend.Ikev2.Wire;

/// <summary>An IKE SA's SPI, eight octets in network order: RFC 7296 3.1.</summary>
public readonly record struct IkeSpi(ulong Value)
{
    public bool IsZero => Value == 0;

    public override string ToString() => Value.ToString("x16");
}
