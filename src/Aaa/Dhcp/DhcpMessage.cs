using System.Net;

namespace Headend.Aaa.Dhcp;

/// <summary>A message to a server. What is null is not in it: RFC 2131 table 5 says which message must have which, and <see cref="DhcpLease"/> makes them so.</summary>
public sealed record DhcpRequest
{
    public required DhcpMessageType Type { get; init; }

    /// <summary>xid.</summary>
    public required uint TransactionId { get; init; }

    /// <summary>secs: since the client began to ask.</summary>
    public ushort Seconds { get; init; }

    /// <summary>giaddr: where the answer goes, and the network that the address is to be of.</summary>
    public required IPAddress Relay { get; init; }

    public required DhcpClientIdentity Client { get; init; }

    /// <summary>ciaddr: the address that the client has.</summary>
    public IPAddress? ClientAddress { get; init; }

    /// <summary>Option 50.</summary>
    public IPAddress? RequestedAddress { get; init; }

    /// <summary>Option 54.</summary>
    public IPAddress? ServerIdentifier { get; init; }
}

/// <summary>A server's message, checked by <see cref="DhcpCodec.TryRead"/>.</summary>
public sealed record DhcpReply
{
    public required DhcpMessageType Type { get; init; }

    /// <summary>xid.</summary>
    public required uint TransactionId { get; init; }

    /// <summary>chaddr, six octets.</summary>
    public required ReadOnlyMemory<byte> HardwareAddress { get; init; }

    /// <summary>yiaddr; 0.0.0.0 in a DHCPNAK.</summary>
    public required IPAddress YourAddress { get; init; }

    /// <summary>Option 54; RFC 2131 table 3 has it in every message of a server.</summary>
    public required IPAddress ServerIdentifier { get; init; }

    /// <summary>Option 51; <see cref="Timeout.InfiniteTimeSpan"/> never ends. Null where it is absent.</summary>
    public TimeSpan? LeaseTime { get; init; }

    /// <summary>T1, option 58.</summary>
    public TimeSpan? RenewalTime { get; init; }

    /// <summary>T2, option 59.</summary>
    public TimeSpan? RebindingTime { get; init; }

    /// <summary>Option 1.</summary>
    public IPAddress? Netmask { get; init; }

    /// <summary>Option 6: the usable ones, at most <see cref="DhcpCodec.MaximumDnsServers"/>.</summary>
    public IReadOnlyList<IPAddress> DnsServers { get; init; } = [];

    /// <summary>Option 15; null where it is absent or no domain.</summary>
    public string? Domain { get; init; }

    /// <summary>Option 56: why a server refuses, without control characters; null where it is absent.</summary>
    public string? Message { get; init; }
}

/// <summary>Why a datagram is no DHCP message for us.</summary>
public enum DhcpError
{
    None,

    /// <summary>Shorter than header and magic cookie, or longer than we said that we take.</summary>
    Length,

    /// <summary>No BOOTREPLY for an Ethernet client.</summary>
    Header,

    /// <summary>No magic cookie (RFC 2131 3).</summary>
    Cookie,

    /// <summary>An option reaches beyond its field, or a field has no end option (RFC 2131 4.1).</summary>
    Truncated,

    /// <summary>An option that is read here has a length or value that it cannot have.</summary>
    Option,

    /// <summary>No message type or no server identifier.</summary>
    Missing,
}
