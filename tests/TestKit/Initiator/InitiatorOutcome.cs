using System.Net;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.TestKit.Initiator;

/// <summary>How far a login has come.</summary>
public enum InitiatorStage
{
    Idle,
    InitialExchange,
    FirstAuthentication,
    Eap,
    FinalAuthentication,
    Established,

    /// <summary>No IKE SA is left: deleted by either side, given up, or failed.</summary>
    Closed,
}

/// <summary>What became of a login.</summary>
public abstract record InitiatorOutcome
{
    private InitiatorOutcome()
    {
    }

    public sealed record Pending : InitiatorOutcome;

    /// <param name="IPv4">Assigned address or null.</param>
    /// <param name="IPv6">Assigned address or null.</param>
    /// <param name="Dns">Servers of both families.</param>
    /// <param name="Took">From Start.</param>
    public sealed record Established(IPAddress? IPv4, IPAddress? IPv6, IReadOnlyList<IPAddress> Dns, TimeSpan Took) : InitiatorOutcome;

    /// <param name="Stage">Where.</param>
    /// <param name="Notify">The responder's error, or null where we found the fault or nobody answered.</param>
    /// <param name="Reason">In words.</param>
    public sealed record Failed(InitiatorStage Stage, NotifyType? Notify, string Reason) : InitiatorOutcome;
}

/// <summary>A pair of ESP SAs as the client has it.</summary>
public sealed class InitiatorChildSa
{
    /// <summary>Ours: the responder sends to it.</summary>
    public required uint InboundSpi { get; init; }

    public required uint OutboundSpi { get; init; }

    public required EspSuite Suite { get; init; }

    /// <summary>Key, then salt.</summary>
    public required byte[] InboundEncryptionKey { get; init; }

    public required byte[] OutboundEncryptionKey { get; init; }

    public required byte[] InboundIntegrityKey { get; init; }

    public required byte[] OutboundIntegrityKey { get; init; }

    /// <summary>Our side's selectors.</summary>
    public required IReadOnlyList<TrafficSelector> LocalSelectors { get; init; }

    public required IReadOnlyList<TrafficSelector> RemoteSelectors { get; init; }

    /// <summary>Both sides said USE_TRANSPORT_MODE.</summary>
    public bool IsTransportMode { get; init; }
}

/// <summary>One IKE message to send; whoever owns the socket adds the non-ESP marker on the NAT traversal port.</summary>
/// <param name="Octets">Without marker; retransmissions share the array.</param>
/// <param name="NatTraversal">True once the initiator has moved to port 4500, see <see cref="TestInitiator"/>.</param>
public readonly record struct InitiatorDatagram(byte[] Octets, bool NatTraversal);
