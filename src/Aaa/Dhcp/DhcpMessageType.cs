namespace Headend.Aaa.Dhcp;

/// <summary>DHCP Message Type, option 53 (RFC 2132 9.6).</summary>
public readonly record struct DhcpMessageType(byte Value)
{
    public static readonly DhcpMessageType Discover = new(1);
    public static readonly DhcpMessageType Offer = new(2);
    public static readonly DhcpMessageType Request = new(3);
    public static readonly DhcpMessageType Decline = new(4);
    public static readonly DhcpMessageType Ack = new(5);
    public static readonly DhcpMessageType Nak = new(6);
    public static readonly DhcpMessageType Release = new(7);

    public override string ToString() => Value switch
    {
        1 => "DHCPDISCOVER (1)",
        2 => "DHCPOFFER (2)",
        3 => "DHCPREQUEST (3)",
        4 => "DHCPDECLINE (4)",
        5 => "DHCPACK (5)",
        6 => "DHCPNAK (6)",
        7 => "DHCPRELEASE (7)",
        _ => $"DHCP message {Value}",
    };
}
