using System.Net;
using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>NAT detection and what follows from it: RFC 7296 2.23.</summary>
internal static class NatDetection
{
    /// <summary>Compares the peer's hashes with the addresses seen. A peer that sends none is taken as it appears.</summary>
    public static (bool PeerBehindNat, bool WeAreBehindNat) Check(IkeMessage message, in IkePath path)
    {
        var spiI = message.Header.InitiatorSpi;
        var spiR = message.Header.ResponderSpi;
        var anySource = false;
        var sourceMatches = false;
        var anyDestination = false;
        var destinationMatches = false;
        var remote = NatDetectionHash.Compute(spiI, spiR, path.Remote);
        var local = NatDetectionHash.Compute(spiI, spiR, path.Local);
        foreach (var payload in message.Payloads)
        {
            if (payload is not NotifyPayload notify)
                continue;
            if (notify.NotifyType == NotifyType.NatDetectionSourceIp)
            {
                // RFC 7296 2.23: several, where the sender does not know which of its addresses is used.
                anySource = true;
                sourceMatches |= CryptographicOperations.FixedTimeEquals(notify.Value.Span, remote);
            }
            else if (notify.NotifyType == NotifyType.NatDetectionDestinationIp)
            {
                anyDestination = true;
                destinationMatches |= CryptographicOperations.FixedTimeEquals(notify.Value.Span, local);
            }
        }

        return (anySource && !sourceMatches, anyDestination && !destinationMatches);
    }

    public static IEnumerable<IkePayload> Notifies(IkeSpi spiI, IkeSpi spiR, IkePath path) =>
    [
        new NotifyPayload(NotifyType.NatDetectionSourceIp, NatDetectionHash.Compute(spiI, spiR, path.Local)),
        new NotifyPayload(NotifyType.NatDetectionDestinationIp, NatDetectionHash.Compute(spiI, spiR, path.Remote)),
    ];

    /// <summary>
    /// An authentic new message came from elsewhere. RFC 7296 2.23: a host that is not behind a NAT sends to where the last valid packet came from, if the peer is
    /// behind one. Without a NAT the address stays: moving is MOBIKE's affair.
    /// </summary>
    public static void PeerMoved(IkeSa sa, in IkePath path)
    {
        if (!sa.Peer.BehindNat || sa.Peer.WeAreBehindNat)
            return;
        sa.Path = path;
        if (sa.Session is not { Up: true } session || session.Current != sa)
            return;
        session.Login.Path = path;
        sa.Endpoint.Emit(new UpdateSaAddressesEffect(session.Id, path, UdpEncapsulation: true));
    }

    /// <summary>The data plane saw an authentic, newest ESP packet from elsewhere.</summary>
    public static void PeerMoved(IkeSa sa, IPEndPoint remote)
    {
        // IKE and UDP-encapsulated ESP share the mapping of the NAT traversal port (RFC 7296 2.23).
        if (sa.Path.NonEspMarker && !sa.Path.Remote.Equals(remote))
            PeerMoved(sa, sa.Path with { Remote = remote });
    }
}
