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

/// <summary>Whether a server is asked by Status-Server (RFC 5997) if it is there.</summary>
public enum StatusServerRule
{
    Off,

    /// <summary>Once it has answered one: a server that knows no Status-Server is never taken for dead because of it.</summary>
    Auto,

    On,
}

/// <summary>Which of a server's two services something is about. Over TLS both are one.</summary>
public enum RadiusService
{
    Authentication,
    Accounting,
    Both,
}

/// <summary>Retransmission of one phase (RFC 5080 2.2.1).</summary>
/// <param name="Timeout">IRT: how long the first transmission waits for its answer; each further one twice as long as the one before, up to <paramref name="MaximumTimeout"/>.</param>
/// <param name="Retransmit">Transmissions after the first, 0..20.</param>
/// <param name="MaximumTimeout">MRT; equal to <paramref name="Timeout"/> the interval is constant.</param>
public sealed record RadiusTimers(TimeSpan Timeout, int Retransmit, TimeSpan MaximumTimeout)
{
    /// <summary>How long the given transmission (from 1) waits, before jitter.</summary>
    internal TimeSpan WaitOf(int transmission)
    {
        var wait = Timeout;
        for (var i = 1; i < transmission && wait < MaximumTimeout; i++) wait *= 2;
        return wait < MaximumTimeout ? wait : MaximumTimeout;
    }

    /// <summary>From the first transmission to giving up.</summary>
    internal TimeSpan Total
    {
        get
        {
            var total = TimeSpan.Zero;
            for (var i = 1; i <= Retransmit + 1; i++) total += WaitOf(i);
            return total;
        }
    }
}

/// <summary>
/// One RADIUS server: RFC 2865 and RFC 2866 over UDP, or RFC 6614 over TLS where <see cref="RadSec"/> is set. Servers are told apart by name; a server in two
/// groups is one server.
/// </summary>
/// <param name="Name">As in the configuration and in logs.</param>
/// <param name="Address">IPv4 or IPv6.</param>
/// <param name="Secret">Shared with this server; owned by the caller, who disposes of it after the client.</param>
public sealed record RadiusServerOptions(string Name, IPAddress Address, RadiusSecret Secret)
{
    public int AuthPort { get; init; } = 1812;

    public int AcctPort { get; init; } = 1813;

    /// <summary>How long each transmission waits for its answer, in phases that have no timers of their own.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Transmissions after the first, 0..20, likewise.</summary>
    public int Retransmit { get; init; } = 3;

    /// <summary>RFC 5080 2.2.1 MRT, at least <see cref="Timeout"/>; null: the interval stays at <see cref="Timeout"/>.</summary>
    public TimeSpan? MaximumTimeout { get; init; }

    /// <summary>Timers of each round of a login; null: the server's.</summary>
    public RadiusTimers? Login { get; init; }

    /// <summary>Timers of authorization; null: the server's.</summary>
    public RadiusTimers? Authorization { get; init; }

    /// <summary>Timers of accounting; null: the server's.</summary>
    public RadiusTimers? Accounting { get; init; }

    /// <summary>
    /// The server may ask a person on another way (push) before it answers a login: the request is sent exactly once, its answer is waited for this long, and
    /// nobody else is asked. Null: <see cref="Login"/> holds.
    /// </summary>
    public TimeSpan? MfaWait { get; init; }

    public MessageAuthenticatorRule RequireMessageAuthenticator { get; init; } = MessageAuthenticatorRule.Always;

    public StatusServerRule StatusServer { get; init; }

    /// <summary>RFC 3539 3.4.1 Tw: time between Status-Server requests to a dead server or on a silent connection, at least 6 s.</summary>
    public TimeSpan StatusInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Local address of our requests, or null for the kernel's choice.</summary>
    public IPAddress? SourceAddress { get; init; }

    /// <summary>Interface or VRF device that our requests leave by (SO_BINDTODEVICE), or null.</summary>
    public string? SourceInterface { get; init; }

    /// <summary>RADIUS over TLS, or null for UDP.</summary>
    public RadSecOptions? RadSec { get; init; }

    internal RadiusTimers TimersOf(RadiusPhase phase) => (phase switch
    {
        RadiusPhase.Login => Login,
        RadiusPhase.Authorization => Authorization,
        RadiusPhase.Accounting => Accounting,
        // RFC 5997: a Status-Server is not retransmitted; a new one is sent.
        _ => new RadiusTimers(Timeout, 0, Timeout),
    }) ?? new RadiusTimers(Timeout, Retransmit, MaximumTimeout ?? Timeout);
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

    /// <summary>TLS connections to one server; each carries 256 identifiers. Opened like ports.</summary>
    public int MaximumConnectionsPerServer { get; init; } = 32;

    /// <summary>RFC 5080 2.2.1: each timeout is spread by plus or minus this share (0..0.5) so that retransmissions do not march in step.</summary>
    public double Jitter { get; init; } = 0.1;
}
