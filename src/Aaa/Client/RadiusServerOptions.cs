using System.Net;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Client;

/// <summary>When an Access-Accept, -Reject or -Challenge without Message-Authenticator is ignored.</summary>
public enum MessageAuthenticatorRule
{
    /// <summary>Always (CVE-2024-3596: without it a Reject can be turned into an Accept on the way).</summary>
    Always,

    /// <summary>For EAP only, which is what RFC 3579 3.2 asks for.</summary>
    Eap,

    /// <summary>Never; one that is present is verified all the same.</summary>
    Off,
}

/// <summary>One RADIUS server (RFC 2865, RFC 2866 over UDP). Servers are told apart by name; a server in two groups is one server.</summary>
/// <param name="Name">As in the configuration and in logs.</param>
/// <param name="Address">IPv4 or IPv6.</param>
/// <param name="Secret">Shared with this server; owned by the caller, who disposes of it after the client.</param>
public sealed record RadiusServerOptions(string Name, IPAddress Address, RadiusSecret Secret)
{
    public int AuthPort { get; init; } = 1812;

    public int AcctPort { get; init; } = 1813;

    /// <summary>How long each transmission waits for its answer.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Transmissions after the first, 0..20.</summary>
    public int Retransmit { get; init; } = 3;

    public MessageAuthenticatorRule RequireMessageAuthenticator { get; init; } = MessageAuthenticatorRule.Always;

    /// <summary>Local address of our requests, or null for the kernel's choice.</summary>
    public IPAddress? SourceAddress { get; init; }
}

/// <summary>Servers that answer for each other.</summary>
/// <param name="Name">As in the configuration.</param>
/// <param name="Servers">In order of preference, at least one.</param>
public sealed record RadiusGroupOptions(string Name, IReadOnlyList<RadiusServerOptions> Servers)
{
    /// <summary>How long a server that let a request run out of retransmissions is passed over. Zero: never.</summary>
    public TimeSpan DeadTime { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>False: the first living server in order. True: the living server with the fewest requests outstanding.</summary>
    public bool LoadBalance { get; init; }
}

/// <summary>Limits of a client.</summary>
public sealed record RadiusClientOptions
{
    /// <summary>Requests under way at once; one more is answered Unavailable at once.</summary>
    public int MaximumInFlight { get; init; } = 16_384;

    /// <summary>Source ports for each server and purpose; each carries 256 identifiers. Opened when the earlier ones are nearly full.</summary>
    public int MaximumPortsPerServer { get; init; } = 128;

    /// <summary>Source ports opened before any is full, so that a reply's port must be guessed as well as its identifier.</summary>
    public int InitialPortsPerServer { get; init; } = 4;

    /// <summary>RFC 5080 2.2.1: each timeout is spread by plus or minus this share (0..0.5) so that retransmissions do not march in step.</summary>
    public double Jitter { get; init; } = 0.1;
}
