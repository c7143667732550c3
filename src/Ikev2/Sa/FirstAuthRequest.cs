using Headend.Ikev2.Crypto;
using Headend.Ikev2.Exchanges;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Sa;

/// <summary>
/// What the first IKE_AUTH request asks for, kept until the peer is proven. Until then it is a stranger's, and thousands may wait: nothing here refers to the octets of the
/// message, the CHILD_SA's algorithms are chosen at once, and lists that parsed would weigh several times as much are kept as they are written.
/// </summary>
internal sealed record FirstAuthRequest
{
    /// <summary>Octets of an attribute's value that still matter then: those of INTERNAL_IP6_ADDRESS.</summary>
    private const int MostValueOctets = 17;

    private readonly byte[] _lists;
    private readonly PayloadType _first;
    private readonly bool _asksTransportMode;

    /// <param name="message">The request.</param>
    /// <param name="offer">Its SA payload.</param>
    /// <param name="responderId">What we answer as.</param>
    /// <param name="profile">Of the session.</param>
    public FirstAuthRequest(IkeMessage message, SaPayload offer, IdPayload responderId, IkeProfile profile)
    {
        InitiatorId = message.First<IdPayload>(PayloadType.IdInitiator)!.Copy();
        ResponderId = responderId;
        WantsTicket = TicketIssue.IsAsked(message);
        Suite = ProposalSelector.TrySelectEsp(profile.EspProposals, offer.Proposals, PfsPolicy.Disabled, false, out var suite) ? suite : null;
        SuiteRefusal = Suite is null ? $"offered {ProposalText.Describe(offer.Proposals)}; configured {ProposalText.Describe(profile.EspProposals)}" : "";
        var traffic = TrafficOffer.Of(message);
        _asksTransportMode = traffic.AsksTransportMode;
        List<IkePayload> lists = new(3);
        if (traffic.Initiator.Count > 0)
            lists.Add(new TrafficSelectorPayload(isInitiator: true, traffic.Initiator));
        if (traffic.Responder.Count > 0)
            lists.Add(new TrafficSelectorPayload(isInitiator: false, traffic.Responder));
        if (message.First<ConfigurationPayload>() is { } asked && asked.ConfigurationType == ConfigurationType.Request)
            lists.Add(new ConfigurationPayload(asked.ConfigurationType, [.. asked.Attributes.Select(Shortened)]));
        var writer = new WireWriter();
        _first = PayloadChain.Write(lists, writer);
        _lists = writer.ToArray();
    }

    /// <summary>As received, to the octet: AUTH covers it.</summary>
    public IdPayload InitiatorId { get; init; }

    public IdPayload ResponderId { get; init; }

    /// <summary>TICKET_REQUEST stood there (RFC 5723 4.1).</summary>
    public bool WantsTicket { get; init; }

    /// <summary>What we choose for the CHILD_SA; null where nothing meets.</summary>
    public EspSuite? Suite { get; }

    /// <summary>Why not, for the operator.</summary>
    public string SuiteRefusal { get; }

    public TrafficOffer Traffic
    {
        get
        {
            var lists = Read();
            return new TrafficOffer(Selectors(lists, PayloadType.TrafficSelectorInitiator), Selectors(lists, PayloadType.TrafficSelectorResponder), _asksTransportMode);
        }
    }

    /// <summary>CFG_REQUEST, which wants an answer; null without one. Long values are cut.</summary>
    public ConfigurationPayload? Asked => Read().OfType<ConfigurationPayload>().FirstOrDefault();

    private IkePayload[] Read() =>
        PayloadChain.TryParse(_first, _lists, out var payloads, out var error) ? payloads : throw new InvalidOperationException($"what we wrote does not parse: {error}");

    private static IReadOnlyList<TrafficSelector> Selectors(IkePayload[] lists, PayloadType type) =>
        lists.OfType<TrafficSelectorPayload>().FirstOrDefault(p => p.Type == type)?.Selectors ?? [];

    private static ConfigurationAttribute Shortened(ConfigurationAttribute attribute) =>
        new(attribute.Type, attribute.Value[..Math.Min(MostValueOctets, attribute.Value.Length)]);
}
