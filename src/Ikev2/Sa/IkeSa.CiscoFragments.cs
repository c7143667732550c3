using Headend.Ikev2.Exchanges;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Sa;

/// <summary>Cisco's fragments of IKE messages, both ways.</summary>
internal sealed partial class IkeSa
{
    private CiscoFragmentReassembly? _ciscoFragments;
    private ushort _ciscoFragmentId;

    /// <summary>One piece of a message; the message itself is handled as if it had come in one datagram.</summary>
    private void HandleCiscoFragment(in IkeHeader header, in IkeDatagram datagram)
    {
        if (!Peer.CiscoFragmentation || !ExchangeTable.IsPlausible(Phase, header.ExchangeType, header.IsResponse) || !IsNear(header))
        {
            Endpoint.Observer.Discarded(DiscardReason.NotExpectedHere, datagram.Path, $"payload 132 in message {header.MessageId} while {Phase}");
            return;
        }

        if (!CiscoFragmentPayload.TryRead(datagram.Octets, header, out var fragment, out var error))
        {
            Endpoint.Observer.Discarded(DiscardReason.Malformed, datagram.Path, error.ToString());
            return;
        }

        _ciscoFragments ??= new CiscoFragmentReassembly();
        var whole = _ciscoFragments.Add(fragment, out var isDropped);
        if (isDropped)
            Endpoint.Observer.Discarded(DiscardReason.FragmentLimit, datagram.Path, $"piece {fragment.Number} of {fragment.Id}, or what it contradicts");
        if (whole is null)
            return;

        // Once whole nothing is kept: sessions by the thousand have no use for it until the next large message, and if a forged piece is in it the next transmission begins anew.
        _ciscoFragments = null;
        if (!IkeHeader.TryRead(whole, out var inner, out error) || inner.NextPayload == PayloadType.CiscoFragment || !IsSameMessage(inner, header))
            Endpoint.Observer.Discarded(DiscardReason.Malformed, datagram.Path, $"a message in pieces that is none: {error}");
        else
            Handle(inner, datagram with { Octets = whole });
    }

    // Only what may be the next request, a copy of the last one, or the answer to ours is worth its octets.
    private bool IsNear(in IkeHeader header) => header.IsResponse
        ? _active is { Sent: true } && header.MessageId == _requestId
        : header.MessageId == Window.NextInbound || header.MessageId + 1 == Window.NextInbound;

    private static bool IsSameMessage(in IkeHeader inner, in IkeHeader outer) =>
        inner.InitiatorSpi == outer.InitiatorSpi && inner.ResponderSpi == outer.ResponderSpi && inner.ExchangeType == outer.ExchangeType
        && inner.MessageId == outer.MessageId && inner.Flags == outer.Flags && inner.MajorVersion == outer.MajorVersion;

    /// <summary>One protected message in pieces, where it is larger than the limit and the peer takes no better ones.</summary>
    private IReadOnlyList<byte[]> CutForCisco(byte[] message, int limit) =>
        Peer.CiscoFragmentation && message.Length > limit ? CiscoFragmentPayload.Cut(message, limit, ++_ciscoFragmentId) : [message];
}
