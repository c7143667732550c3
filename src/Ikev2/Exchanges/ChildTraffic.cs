using System.Diagnostics.CodeAnalysis;
using System.Net;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>What a request for a CHILD_SA says of its traffic.</summary>
/// <param name="Initiator">TSi.</param>
/// <param name="Responder">TSr.</param>
/// <param name="AsksTransportMode">USE_TRANSPORT_MODE (16391) is there (RFC 7296 1.3.1).</param>
internal sealed record TrafficOffer(IReadOnlyList<TrafficSelector> Initiator, IReadOnlyList<TrafficSelector> Responder, bool AsksTransportMode)
{
    public static TrafficOffer Of(IkeMessage message) => new(
        message.First<TrafficSelectorPayload>(PayloadType.TrafficSelectorInitiator)!.Selectors,
        message.First<TrafficSelectorPayload>(PayloadType.TrafficSelectorResponder)!.Selectors,
        message.Notify(NotifyType.UseTransportMode) is not null);

    public override string ToString() => $"{string.Join(" ", Initiator)} === {string.Join(" ", Responder)}{(AsksTransportMode ? " in transport mode" : "")}";
}

/// <summary>
/// The traffic of one CHILD_SA: narrowed selectors in tunnel mode, or GRE between the outer addresses in transport mode, which is all that we use transport mode for.
/// </summary>
internal sealed record ChildTraffic(IReadOnlyList<TrafficSelector> Local, IReadOnlyList<TrafficSelector> Remote, bool IsTransportMode)
{
    private const byte GreProtocol = 47;

    /// <summary>Between the addresses that the IKE SA has now.</summary>
    public static ChildTraffic Gre(IkeSa sa) => new([GreSelector(sa.Path.Local.Address)], [GreSelector(sa.Path.Remote.Address)], IsTransportMode: true);

    /// <summary>
    /// A peer's selectors for GRE in transport mode, of a request or of the answer to one of ours. RFC 7296 2.23.1: behind a NAT a side knows its own address only, for
    /// which that of the IKE SA is substituted.
    /// </summary>
    public static bool IsGre(IkeSa sa, IReadOnlyList<TrafficSelector> local, IReadOnlyList<TrafficSelector> remote) =>
        HoldsGre(local, sa.Path.Local.Address, sa.Peer.WeAreBehindNat) && HoldsGre(remote, sa.Path.Remote.Address, sa.Peer.BehindNat);

    /// <summary>The request is for GRE in transport mode, whether we want that or not.</summary>
    public static bool OffersGre(IkeSa sa, TrafficOffer offer) => offer.AsksTransportMode && IsGre(sa, offer.Responder, offer.Initiator);

    /// <summary>Our choice of an offer; false with a refusal for the operator.</summary>
    public static bool TrySelect(IkeSa sa, TrafficOffer offer, EncapsulationRule rule, [NotNullWhen(true)] out ChildTraffic? traffic, out string refusal)
    {
        traffic = null;
        refusal = "";
        var offersGre = OffersGre(sa, offer);
        if (offersGre && rule != EncapsulationRule.Tunnel)
        {
            traffic = Gre(sa);
            return true;
        }

        if (rule == EncapsulationRule.Gre)
        {
            refusal = $"offered {offer}; wanted {Gre(sa).Describe()} in transport mode: the session's interface is a GRE tunnel";
            return false;
        }

        // RFC 7296 1.3.1: "If the responder declines the request, the Child SA will be established in tunnel mode."
        var session = sa.Session!;
        var remote = TrafficNarrowing.Remote(offer.Initiator, session.Addresses!, session.Grant);
        var local = TrafficNarrowing.Local(offer.Responder, session.Profile.LocalTraffic, remote);
        if (remote.Count > 0 && local.Count > 0)
        {
            traffic = new ChildTraffic(local, remote, IsTransportMode: false);
            return true;
        }

        refusal = offersGre ? GreRefusal(offer) : TrafficNarrowing.Describe(offer, session);
        return false;
    }

    public static string GreRefusal(TrafficOffer offer) => $"offered {offer}: the session's interface is no GRE tunnel (`tunnel mode gre` or `mode: auto` of its virtual-template)";

    private static TrafficSelector GreSelector(IPAddress address)
    {
        // A selector has no scope.
        var bare = new IPAddress(address.GetAddressBytes());
        return new TrafficSelector(GreProtocol, 0, ushort.MaxValue, bare, bare);
    }

    private static bool HoldsGre(IReadOnlyList<TrafficSelector> selectors, IPAddress seen, bool isTranslated)
    {
        var own = GreSelector(seen);
        foreach (var selector in selectors)
        {
            if (selector.Protocol != GreProtocol || selector.IPv4 != own.IPv4 || !(selector.IsAnyPort || selector.IsOpaquePort)) continue;
            // RFC 7296 2.23.1: "MUST have exactly one IP address".
            if (isTranslated ? selectors.All(s => s.StartAddress.Equals(selector.StartAddress) && s.EndAddress.Equals(selector.StartAddress)) : selector.Contains(own.StartAddress)) return true;
        }

        return false;
    }

    private string Describe() => $"{string.Join(" ", Remote)} === {string.Join(" ", Local)}";
}
