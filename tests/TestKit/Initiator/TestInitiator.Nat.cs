using System.Net;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.TestKit.Initiator;

/// <summary>NAT detection (RFC 7296 2.23), and what else both first exchanges tell of the responder.</summary>
public sealed partial class TestInitiator
{
    private IEnumerable<NotifyPayload> NatNotifies()
    {
        var source = _options.PretendNat ? new IPEndPoint(Path.Local.Address, Path.Local.Port ^ 1) : Path.Local;
        var destination = _options.PretendServerNat ? new IPEndPoint(Path.Remote.Address, Path.Remote.Port ^ 1) : Path.Remote;
        yield return new NotifyPayload(NotifyType.NatDetectionSourceIp, NatDetectionHash.Compute(_current.LocalSpi, default, source));
        yield return new NotifyPayload(NotifyType.NatDetectionDestinationIp, NatDetectionHash.Compute(_current.LocalSpi, default, destination));
    }

    private void LearnOfPath(IkeMessage response)
    {
        PeerFragments = response.Notify(NotifyType.Ikev2FragmentationSupported) is not null;
        InitialResponse = response;
        NatDetected = _options.PretendNat || _options.PretendServerNat || !Holds(response, NotifyType.NatDetectionSourceIp, Path.Remote) || !Holds(response, NotifyType.NatDetectionDestinationIp, Path.Local);

        // RFC 7296 2.23: with a NAT in between the initiator must go on at port 4500.
        _natTraversal |= NatDetected;
    }

    private bool Holds(IkeMessage message, NotifyType type, IPEndPoint endPoint)
    {
        var expected = NatDetectionHash.Compute(message.Header.InitiatorSpi, message.Header.ResponderSpi, endPoint);
        var any = false;
        foreach (var payload in message.Payloads)
        {
            if (payload is not NotifyPayload notify || notify.NotifyType != type)
                continue;
            any = true;
            if (notify.Value.Span.SequenceEqual(expected))
                return true;
        }

        return !any;
    }
}
