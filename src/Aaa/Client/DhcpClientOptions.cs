using System.Net;

namespace Headend.Aaa.Client;

/// <summary>Ports and bounds of the DHCP client.</summary>
public sealed record DhcpClientOptions
{
    /// <summary>UDP port of servers, and of ours where they answer.</summary>
    public const int DhcpServerPort = 67;

    public int ServerPort { get; init; } = DhcpServerPort;

    /// <summary>At giaddr.</summary>
    public int RelayPort { get; init; } = DhcpServerPort;

    /// <summary>Leases that are being asked for; a further one fails at once.</summary>
    public int MaximumOutstanding { get; init; } = 4096;

    /// <summary>Different giaddr, each with a socket; AAA can name any.</summary>
    public int MaximumRelays { get; init; } = 64;
}

/// <summary>A lease for one session.</summary>
/// <param name="User">The authenticated identity: it gets the same address again.</param>
/// <param name="Servers">In order.</param>
/// <param name="Relay">giaddr; null for the address from which the first server is reached.</param>
/// <param name="Timeout">For each server; null for <see cref="Dhcp.DhcpLeaseOptions.DefaultTimeout"/>.</param>
public sealed record DhcpLeaseRequest(string User, IReadOnlyList<IPAddress> Servers, IPAddress? Relay, TimeSpan? Timeout);

/// <summary>What came of a request.</summary>
public abstract record DhcpOutcome
{
    private DhcpOutcome()
    {
    }

    /// <summary>The binding is the caller's to end.</summary>
    public sealed record Granted(DhcpBinding Binding) : DhcpOutcome;

    /// <summary>There is no lease, and why, naming the server.</summary>
    public sealed record Failed(string Why) : DhcpOutcome;
}

/// <summary>Counts since the start.</summary>
/// <param name="Outstanding">Leases that are being asked for now.</param>
/// <param name="Bound">Leases held now.</param>
/// <param name="Granted">Leases got.</param>
/// <param name="Failed">Requests that ended without one.</param>
/// <param name="Renewed">Leases prolonged.</param>
/// <param name="Lost">Leases that ended against our will.</param>
/// <param name="Discarded">Datagrams that were no answer to anything asked: malformed, late, of another server or another exchange.</param>
/// <param name="Unsent">Datagrams that the system refused to send.</param>
public sealed record DhcpStatistics(int Outstanding, int Bound, long Granted, long Failed, long Renewed, long Lost, long Discarded, long Unsent);
