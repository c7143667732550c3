namespace Headend.Ikev2.Wire;

/// <summary>Traffic selector type: RFC 7296 3.13.1. Unknown values survive.</summary>
public readonly record struct TrafficSelectorType(byte Value)
{
    public static TrafficSelectorType IPv4AddressRange => new(7);
    public static TrafficSelectorType IPv6AddressRange => new(8);

    public override string ToString() => Value switch
    {
        7 => "TS_IPV4_ADDR_RANGE (7)",
        8 => "TS_IPV6_ADDR_RANGE (8)",
        _ => $"TS type {Value}",
    };
}
