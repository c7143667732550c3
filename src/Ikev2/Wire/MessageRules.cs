using System.Collections.Frozen;

namespace Headend.Ikev2.Wire;

/// <summary>
/// Which payloads a message may and must have, how often: RFC 7296 1.2, 1.3, 1.4, 2.16 and appendix C as data. Payloads of types that
/// we do not know have already been found non-critical and are always tolerated.
/// </summary>
public sealed class MessageRules
{
    private const int MaxNotifies = 32;
    private const int MaxVendorIds = 32;
    private const int MaxCertificates = 16;

    private static readonly PayloadTypeSet Known = PayloadTypeSet.Of(
        PayloadType.Sa, PayloadType.KeyExchange, PayloadType.IdInitiator, PayloadType.IdResponder, PayloadType.Certificate,
        PayloadType.CertificateRequest, PayloadType.Authentication, PayloadType.Nonce, PayloadType.Notify, PayloadType.Delete,
        PayloadType.VendorId, PayloadType.TrafficSelectorInitiator, PayloadType.TrafficSelectorResponder, PayloadType.Encrypted,
        PayloadType.Configuration, PayloadType.Eap, PayloadType.EncryptedFragment);

    private static readonly PayloadTypeSet ChildSa = PayloadTypeSet.Of(
        PayloadType.Sa, PayloadType.TrafficSelectorInitiator, PayloadType.TrafficSelectorResponder);

    private static readonly PayloadTypeSet SaInit = PayloadTypeSet.Of(PayloadType.Sa, PayloadType.KeyExchange, PayloadType.Nonce);

    private static readonly PayloadTypeSet CertificateLists = PayloadTypeSet.Of(PayloadType.Certificate, PayloadType.CertificateRequest);

    private static readonly FrozenDictionary<(ExchangeType, bool, MessagePhase), MessageRules> Table = Build();

    private readonly byte[] _maximum = new byte[64];

    private MessageRules(PayloadTypeSet required, PayloadTypeSet optional, PayloadTypeSet together = default, PayloadTypeSet repeated = default)
    {
        Required = required;
        Together = together;
        PayloadTypeSet single = required.Union(optional).Union(together);
        for (int type = 0; type < _maximum.Length; type++)
            _maximum[type] = (byte)(single.Contains(new PayloadType((byte)type)) ? 1 : 0);
        for (int type = 0; type < _maximum.Length; type++)
        {
            if (repeated.Contains(new PayloadType((byte)type))) _maximum[type] = MaxCertificates;
        }
        _maximum[PayloadType.Notify.Value] = MaxNotifies;
        _maximum[PayloadType.VendorId.Value] = MaxVendorIds;
    }

    /// <summary>Types that must occur once.</summary>
    public PayloadTypeSet Required { get; }

    /// <summary>Types that occur all or not at all: a childless IKE_AUTH has none of SA, TSi and TSr (RFC 6023).</summary>
    public PayloadTypeSet Together { get; }

    /// <summary>The rules of a message, or null when we have none for it.</summary>
    public static MessageRules? Find(ExchangeType exchange, bool isResponse, MessagePhase phase = MessagePhase.Only) =>
        Table.GetValueOrDefault((exchange, isResponse, phase));

    /// <summary>The phase that the payloads of a CREATE_CHILD_SA request ask for.</summary>
    public static MessagePhase CreateChildPhase(IkeMessage request)
    {
        if (request.Notify(NotifyType.RekeySa) is not null) return MessagePhase.RekeyChild;
        SaPayload? sa = request.First<SaPayload>();
        bool isIke = sa is { Proposals.Count: > 0 } && sa.Proposals[0].Protocol == ProtocolId.Ike;
        return isIke ? MessagePhase.RekeyIke : MessagePhase.NewChild;
    }

    /// <summary>At most this many payloads of the type; 0 when it has no place here.</summary>
    public int Maximum(PayloadType type) => type.Value < _maximum.Length ? _maximum[type.Value] : 0;

    /// <summary>
    /// Compares payloads with the rules. A response that carries an error, COOKIE, REDIRECT or TICKET_NACK need not have what is required
    /// otherwise (RFC 7296 2.6, 2.21; RFC 5685; RFC 5723).
    /// </summary>
    public static PayloadErrors Check(
        ExchangeType exchange, bool isResponse, MessagePhase phase, IReadOnlyList<IkePayload> payloads) =>
        Find(exchange, isResponse, phase)?.Check(payloads, isResponse) ?? new PayloadErrors(default, default, Present(payloads));

    public PayloadErrors Check(IReadOnlyList<IkePayload> payloads, bool isResponse)
    {
        Span<byte> counts = stackalloc byte[64];
        counts.Clear();
        PayloadTypeSet excessive = default;
        PayloadTypeSet unexpected = default;
        PayloadTypeSet present = default;
        bool waived = false;
        for (int i = 0; i < payloads.Count; i++)
        {
            PayloadType type = payloads[i].Type;
            if (!Known.Contains(type)) continue;
            present = present.With(type);
            int maximum = Maximum(type);
            if (maximum == 0) unexpected = unexpected.With(type);
            else if (counts[type.Value] == maximum) excessive = excessive.With(type);
            else counts[type.Value]++;
            waived |= isResponse && payloads[i] is NotifyPayload notify && StandsAlone(notify.NotifyType);
        }
        PayloadTypeSet missing = waived ? default : Required.Except(present);
        PayloadTypeSet together = Together.Intersect(present);
        if (!waived && !together.IsEmpty) missing = missing.Union(Together.Except(together));
        return new PayloadErrors(excessive, missing, unexpected);
    }

    private static bool StandsAlone(NotifyType type) =>
        type.IsError || type == NotifyType.Cookie || type == NotifyType.Redirect || type == NotifyType.TicketNack;

    private static PayloadTypeSet Present(IReadOnlyList<IkePayload> payloads)
    {
        PayloadTypeSet present = default;
        for (int i = 0; i < payloads.Count; i++) present = present.With(payloads[i].Type);
        return present.Intersect(Known);
    }

    private static FrozenDictionary<(ExchangeType, bool, MessagePhase), MessageRules> Build()
    {
        var table = new Dictionary<(ExchangeType, bool, MessagePhase), MessageRules>();
        AddSaInit(table);
        AddResume(table);
        AddAuth(table);
        AddCreateChild(table);
        PayloadTypeSet informational = PayloadTypeSet.Of(PayloadType.Configuration);
        foreach (bool isResponse in (bool[])[false, true])
        {
            table[(ExchangeType.Informational, isResponse, MessagePhase.Only)] =
                new MessageRules(required: default, informational, repeated: PayloadTypeSet.Of(PayloadType.Delete));
        }
        return table.ToFrozenDictionary();
    }

    private static void AddSaInit(Dictionary<(ExchangeType, bool, MessagePhase), MessageRules> table)
    {
        // Cisco AnyConnect sends a CP payload in the clear; what it says counts for nothing.
        table[(ExchangeType.IkeSaInit, false, MessagePhase.Only)] = new MessageRules(SaInit, PayloadTypeSet.Of(PayloadType.Configuration));
        table[(ExchangeType.IkeSaInit, true, MessagePhase.Only)] =
            new MessageRules(SaInit, optional: default, repeated: PayloadTypeSet.Of(PayloadType.CertificateRequest));
    }

    private static void AddResume(Dictionary<(ExchangeType, bool, MessagePhase), MessageRules> table)
    {
        // RFC 5723 4.3.2: nonces and the ticket; neither SA nor KE, for nothing is negotiated.
        PayloadTypeSet nonce = PayloadTypeSet.Of(PayloadType.Nonce);
        table[(ExchangeType.IkeSessionResume, false, MessagePhase.Only)] = new MessageRules(nonce, optional: default);
        table[(ExchangeType.IkeSessionResume, true, MessagePhase.Only)] = new MessageRules(nonce, optional: default);

        // RFC 5723 4.3.3: "A CERT payload MUST NOT be included in this exchange"
        PayloadTypeSet auth = PayloadTypeSet.Of(PayloadType.Authentication);
        PayloadTypeSet configuration = PayloadTypeSet.Of(PayloadType.Configuration);
        table[(ExchangeType.IkeAuth, false, MessagePhase.Resumed)] =
            new MessageRules(auth.With(PayloadType.IdInitiator), configuration.With(PayloadType.IdResponder), ChildSa);
        table[(ExchangeType.IkeAuth, true, MessagePhase.Resumed)] = new MessageRules(auth.With(PayloadType.IdResponder), configuration, ChildSa);
    }

    private static void AddAuth(Dictionary<(ExchangeType, bool, MessagePhase), MessageRules> table)
    {
        PayloadTypeSet eap = PayloadTypeSet.Of(PayloadType.Eap);
        PayloadTypeSet auth = PayloadTypeSet.Of(PayloadType.Authentication);
        PayloadTypeSet configuration = PayloadTypeSet.Of(PayloadType.Configuration);

        // RFC 7296 2.16: "An initiator indicates a desire to use EAP by leaving out the AUTH payload from the first message"
        table[(ExchangeType.IkeAuth, false, MessagePhase.First)] = new MessageRules(
            PayloadTypeSet.Of(PayloadType.IdInitiator),
            configuration.Union(auth).With(PayloadType.IdResponder),
            ChildSa,
            CertificateLists);

        // RFC 5998 3: the responder of an EAP-only login leaves AUTH to the end.
        table[(ExchangeType.IkeAuth, true, MessagePhase.First)] = new MessageRules(
            PayloadTypeSet.Of(PayloadType.IdResponder),
            configuration.Union(auth).Union(eap),
            ChildSa,
            CertificateLists);

        // RFC 4739 2.1: what begins the second authentication; AUTH there would be one of another kind than EAP.
        table[(ExchangeType.IkeAuth, false, MessagePhase.SecondIdentity)] = new MessageRules(
            PayloadTypeSet.Of(PayloadType.IdInitiator), auth.With(PayloadType.IdResponder), together: default, CertificateLists);

        table[(ExchangeType.IkeAuth, false, MessagePhase.EapContinued)] = new MessageRules(eap, optional: default);
        table[(ExchangeType.IkeAuth, true, MessagePhase.EapContinued)] = new MessageRules(eap, optional: default);
        table[(ExchangeType.IkeAuth, false, MessagePhase.EapFinal)] = new MessageRules(auth, optional: default);
        table[(ExchangeType.IkeAuth, true, MessagePhase.EapFinal)] = new MessageRules(auth, configuration, ChildSa);
    }

    private static void AddCreateChild(Dictionary<(ExchangeType, bool, MessagePhase), MessageRules> table)
    {
        PayloadTypeSet child = ChildSa.With(PayloadType.Nonce);
        PayloadTypeSet childOptional = PayloadTypeSet.Of(PayloadType.KeyExchange, PayloadType.Configuration);
        foreach (bool isResponse in (bool[])[false, true])
        {
            table[(ExchangeType.CreateChildSa, isResponse, MessagePhase.NewChild)] = new MessageRules(child, childOptional);
            table[(ExchangeType.CreateChildSa, isResponse, MessagePhase.RekeyChild)] = new MessageRules(child, childOptional);
            table[(ExchangeType.CreateChildSa, isResponse, MessagePhase.RekeyIke)] = new MessageRules(SaInit, optional: default);
        }
    }
}
