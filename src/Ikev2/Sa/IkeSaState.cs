using Headend.Ikev2.Exchanges;

namespace Headend.Ikev2.Sa;

/// <summary>Where an IKE SA stands; the first key of the exchange table.</summary>
internal enum IkeSaPhase
{
    /// <summary>The IKE_SA_INIT request is being worked on.</summary>
    KeyExchange,
    ExpectAuth,

    /// <summary>IKE_SESSION_RESUME is answered; the AUTH by the keys that came of the ticket is awaited (RFC 5723).</summary>
    ExpectResumedAuth,

    /// <summary>The certificate was good; the identity of the second authentication is awaited (RFC 4739).</summary>
    ExpectSecondIdentity,
    ExpectEapResponse,
    ExpectEapAuth,
    Established,

    /// <summary>Replaced by a rekey; whoever started that rekey deletes it.</summary>
    Rekeyed,

    /// <summary>Our Delete is queued or outstanding.</summary>
    Deleting,
}

/// <summary>State during establishment: each record holds only what exists then.</summary>
internal abstract record IkeSaState(IkeSaPhase Phase)
{
    /// <summary>The IKE_SA_INIT request is being worked on.</summary>
    public sealed record KeyExchange() : IkeSaState(IkeSaPhase.KeyExchange);

    /// <summary>IKE_SA_INIT is answered.</summary>
    /// <param name="Octets">What AUTH covers.</param>
    public sealed record ExpectAuth(InitialOctets Octets) : IkeSaState(IkeSaPhase.ExpectAuth);

    /// <summary>IKE_SESSION_RESUME is answered.</summary>
    /// <param name="Octets">What AUTH covers.</param>
    /// <param name="Ticket">Whom it is of; its SK_d is zeroed.</param>
    /// <param name="TicketId">By which the outside knows the ticket.</param>
    public sealed record ExpectResumedAuth(InitialOctets Octets, TicketState Ticket, ReadOnlyMemory<byte> TicketId) : IkeSaState(IkeSaPhase.ExpectResumedAuth);

    /// <summary>The certificate was good and ANOTHER_AUTH_FOLLOWS came with it.</summary>
    /// <param name="Octets">What AUTH covers.</param>
    /// <param name="Request">What the client asked for.</param>
    public sealed record ExpectSecondIdentity(InitialOctets Octets, FirstAuthRequest Request) : IkeSaState(IkeSaPhase.ExpectSecondIdentity);

    /// <summary>An EAP-Request is with the client.</summary>
    public sealed record ExpectEapResponse(InitialOctets Octets, FirstAuthRequest Request) : IkeSaState(IkeSaPhase.ExpectEapResponse)
    {
        /// <summary>The EAP-Request outstanding, for a response that EAP discards.</summary>
        public byte[] LastEapPacket { get; set; } = [];

        /// <summary>When its answer must be there; what EAP discards is none.</summary>
        public MonotonicTime AnswerBy { get; set; }

        public int Rounds { get; set; }
    }

    /// <summary>EAP succeeded; the client's AUTH is awaited.</summary>
    /// <param name="Octets">What AUTH covers.</param>
    /// <param name="Request">What the client asked for.</param>
    /// <param name="Msk">Null for a method without a key (RFC 7296 2.16: SK_pi and SK_pr take its place).</param>
    public sealed record ExpectEapAuth(InitialOctets Octets, FirstAuthRequest Request, byte[]? Msk) : IkeSaState(IkeSaPhase.ExpectEapAuth);

    public sealed record Established() : IkeSaState(IkeSaPhase.Established);

    public sealed record Rekeyed() : IkeSaState(IkeSaPhase.Rekeyed);

    public sealed record Deleting() : IkeSaState(IkeSaPhase.Deleting);
}

/// <summary>Octets of IKE_SA_INIT, or of IKE_SESSION_RESUME, that both AUTH payloads cover (RFC 7296 2.15, RFC 5723 4.3.3).</summary>
/// <param name="Request">The initiator's message as received.</param>
/// <param name="Response">Our message as sent.</param>
/// <param name="NonceI">The initiator's nonce.</param>
/// <param name="NonceR">Our nonce.</param>
internal sealed record InitialOctets(byte[] Request, byte[] Response, byte[] NonceI, byte[] NonceR);
