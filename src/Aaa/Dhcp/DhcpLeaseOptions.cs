using System.Net;

namespace Headend.Aaa.Dhcp;

/// <summary>What one session's lease is asked for with.</summary>
/// <param name="Servers">Tried in this order; at least one.</param>
/// <param name="Relay">giaddr: the address that requests come from.</param>
/// <param name="Client">The session as servers know it.</param>
public sealed record DhcpLeaseOptions(IReadOnlyList<IPAddress> Servers, IPAddress Relay, DhcpClientIdentity Client)
{
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(8);

    /// <summary>How long one server is waited for, from the first DHCPDISCOVER to the DHCPACK.</summary>
    public TimeSpan Timeout { get; init; } = DefaultTimeout;
}

/// <summary>What a server leased.</summary>
/// <param name="Address">The client's.</param>
/// <param name="Server">Where it was asked for.</param>
/// <param name="ServerIdentifier">What the server calls itself (option 54).</param>
public sealed record DhcpGrant(IPAddress Address, IPAddress Server, IPAddress ServerIdentifier)
{
    /// <summary><see cref="Timeout.InfiniteTimeSpan"/> for a lease without end.</summary>
    public required TimeSpan LeaseTime { get; init; }

    public IPAddress? Netmask { get; init; }

    public IReadOnlyList<IPAddress> DnsServers { get; init; } = [];

    public string? Domain { get; init; }
}

/// <summary>Where a lease is in its life (RFC 2131 figure 5).</summary>
public enum DhcpLeaseState
{
    /// <summary>DHCPDISCOVER is out.</summary>
    Selecting,

    /// <summary>A DHCPOFFER was taken and its DHCPREQUEST is out.</summary>
    Requesting,

    Bound,

    /// <summary>Past T1: the server is asked for more time.</summary>
    Renewing,

    /// <summary>Past T2: every server is.</summary>
    Rebinding,

    /// <summary>Refused, lost, declined or given back.</summary>
    Ended,
}

/// <summary>What a lease wants done, in this order.</summary>
public abstract record DhcpLeaseEffect
{
    private DhcpLeaseEffect()
    {
    }

    public sealed record Transmit(IPAddress Server, DhcpRequest Message) : DhcpLeaseEffect;

    /// <summary>The lease is bound.</summary>
    public sealed record Granted(DhcpGrant Grant) : DhcpLeaseEffect;

    /// <summary>No server leased anything.</summary>
    public sealed record Failed(string Why) : DhcpLeaseEffect;

    /// <summary>The lease was prolonged.</summary>
    public sealed record Renewed(DhcpGrant Grant) : DhcpLeaseEffect;

    /// <summary>The address is no longer the client's: it must not be used from here on (RFC 2131 4.4.5).</summary>
    public sealed record Lost(string Why) : DhcpLeaseEffect;
}
