using Headend.Ikev2.Wire;

namespace Headend.Ikev2;

/// <summary>Everything that can go wrong in an exchange. What follows from each stands in one place, <see cref="IkeFailureTable"/>.</summary>
public enum IkeFailure
{
    /// <summary>The decrypted payloads do not parse.</summary>
    MalformedPayloads,

    /// <summary>A payload type that we do not know, marked critical.</summary>
    UnsupportedCriticalPayload,

    /// <summary>Payloads missing, excessive or out of place for the exchange.</summary>
    UnexpectedPayloads,

    /// <summary>The fragments of a peer that is not authenticated yet make more than it may send.</summary>
    MessageTooLarge,

    /// <summary>The exchange is not legal in this state.</summary>
    ExchangeOutOfPlace,

    /// <summary>No proposal matches.</summary>
    NoProposalChosen,

    /// <summary>The key exchange payload's group is not the one selected.</summary>
    InvalidKeyExchange,

    /// <summary>The peer's public value is not valid for its group.</summary>
    BadPublicValue,

    /// <summary>No profile matches the identities.</summary>
    NoProfile,

    /// <summary>The peer wants to authenticate in a way that its profile does not allow.</summary>
    MethodNotAllowed,

    /// <summary>EAP ended in Failure.</summary>
    EapFailed,

    /// <summary>The client did not answer our EAP-Request in time.</summary>
    EapTimedOut,

    /// <summary>No AAA server answered.</summary>
    AaaUnavailable,

    /// <summary>A request to an AAA server about the client, or the first record of its session, cannot be encoded.</summary>
    AaaUnsendable,

    /// <summary>The AUTH value is wrong.</summary>
    BadAuthValue,

    /// <summary>The peer is not known, or its AUTH is not by its pre-shared key; the peer cannot tell which.</summary>
    BadPreSharedKey,

    /// <summary>The client came back with a session-id that stands for nothing, or with a wrong token; it cannot tell which.</summary>
    ReconnectRefused,

    /// <summary>The client presented a ticket that is none of ours, expired, used, or of a session that is over; it cannot tell which.</summary>
    TicketRefused,

    /// <summary>The client's certificate is not trusted, not valid, revoked, of another usage, too weak, or missing.</summary>
    CertificateRefused,

    /// <summary>The client's certificate does not bear the identity that it claims.</summary>
    CertificateOfAnother,

    /// <summary>The client's AUTH is not by the key of its certificate.</summary>
    BadSignature,

    /// <summary>Whether the client's certificate is revoked could not be found out, and the profile insists.</summary>
    CertificateStatusUnknown,

    /// <summary>Authorization refused.</summary>
    AuthorizationDenied,

    /// <summary>The peer did not ask for an address.</summary>
    ConfigurationRequired,

    /// <summary>No address to be had.</summary>
    NoAddress,

    /// <summary>Selectors do not meet.</summary>
    SelectorsUnacceptable,

    /// <summary>A CHILD_SA's algorithms do not meet.</summary>
    NoChildProposal,

    /// <summary>The data plane refused a CHILD_SA or the session's interface.</summary>
    DataPlaneFailed,

    /// <summary>The flow limit is reached.</summary>
    NoAdditionalSas,

    /// <summary>The CHILD_SA that the peer names does not exist.</summary>
    ChildSaNotFound,

    /// <summary>Not now: a collision, or we are closing (RFC 7296 2.25).</summary>
    TemporaryFailure,

    /// <summary>The peer went silent between IKE_SA_INIT and the end of IKE_AUTH.</summary>
    HandshakeTimedOut,

    /// <summary>The peer told us that it failed.</summary>
    PeerReported,

    /// <summary>A fault of ours.</summary>
    LocalFault,
}

public enum IkeFailureCategory
{
    Malformed,
    PeerMisbehaved,
    PeerIncompatible,
    PolicyDenied,
    PeerReported,
    LocalFault,
}

/// <summary>How far a failure reaches.</summary>
public enum BlastRadius
{
    /// <summary>The message; nothing is answered.</summary>
    Discard,

    /// <summary>The exchange: answered with the notify, everything else goes on.</summary>
    FailExchange,

    /// <summary>
    /// The CHILD_SA that was to be made. In IKE_AUTH the client is authenticated but has nothing to use it for: answered with AUTH and the notify
    /// (RFC 7296 1.2), then we delete the IKE SA. In CREATE_CHILD_SA like FailExchange.
    /// </summary>
    FailChildSa,

    /// <summary>The IKE SA: answered with the notify, then gone.</summary>
    FailIkeSa,
}

/// <param name="Category">Whose doing it is.</param>
/// <param name="Radius">What dies.</param>
/// <param name="Notify">What the peer is told; none = silence.</param>
/// <param name="EndReason">Why the session ended, where it did.</param>
/// <param name="LookAt">What an operator should look at.</param>
public readonly record struct IkeFailureRow(IkeFailureCategory Category, BlastRadius Radius, NotifyType? Notify, SessionEndReason EndReason, string LookAt);

/// <summary>
/// The one table of failures. Handlers return a failure; only this table decides what the peer is told, what dies, and what the operator reads.
/// Before authentication a peer learns only AUTHENTICATION_FAILED about identity, policy, RADIUS or certificates.
/// </summary>
public static class IkeFailureTable
{
    public static IkeFailureRow Of(IkeFailure failure) => failure switch
    {
        IkeFailure.MalformedPayloads => new(
            IkeFailureCategory.Malformed, BlastRadius.FailIkeSa, NotifyType.InvalidSyntax, SessionEndReason.ProtocolError, "the client's software: its decrypted message does not parse"),
        IkeFailure.UnsupportedCriticalPayload => new(
            IkeFailureCategory.PeerIncompatible, BlastRadius.FailExchange, NotifyType.UnsupportedCriticalPayload, SessionEndReason.ProtocolError, "which extension the client insists on"),
        IkeFailure.UnexpectedPayloads => new(
            IkeFailureCategory.PeerMisbehaved, BlastRadius.FailIkeSa, NotifyType.InvalidSyntax, SessionEndReason.ProtocolError, "the client's software: payloads missing or out of place"),
        IkeFailure.MessageTooLarge => new(
            IkeFailureCategory.PeerIncompatible, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AuthenticationFailed, "how many certificates the client sends, and how large they are"),
        IkeFailure.ExchangeOutOfPlace => new(
            IkeFailureCategory.PeerMisbehaved, BlastRadius.Discard, null, SessionEndReason.ProtocolError, "the client's software: this exchange is not legal now"),
        IkeFailure.NoProposalChosen => new(
            IkeFailureCategory.PeerIncompatible, BlastRadius.FailExchange, NotifyType.NoProposalChosen, SessionEndReason.NoProposal, "the profile's proposals against the client's"),
        IkeFailure.InvalidKeyExchange => new(
            IkeFailureCategory.PeerIncompatible, BlastRadius.FailExchange, NotifyType.InvalidKePayload, SessionEndReason.NoProposal, "nothing, if the client comes again with the group asked for"),
        IkeFailure.BadPublicValue => new(
            IkeFailureCategory.PeerMisbehaved, BlastRadius.FailExchange, NotifyType.InvalidSyntax, SessionEndReason.ProtocolError, "the client's software: its Diffie-Hellman value is not valid for the group"),
        IkeFailure.NoProfile => new(
            IkeFailureCategory.PolicyDenied, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AuthenticationFailed, "match remote-identity of the profiles"),
        IkeFailure.MethodNotAllowed => new(
            IkeFailureCategory.PolicyDenied, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AuthenticationFailed, "the profile's remote-authentication against what the client is set to"),
        IkeFailure.EapFailed => new(
            IkeFailureCategory.PolicyDenied, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AuthenticationFailed, "the user's credentials, and the AAA server's log"),
        IkeFailure.EapTimedOut => new(
            IkeFailureCategory.PeerMisbehaved, BlastRadius.Discard, null, SessionEndReason.EapTimeout, "whether the user was asked and answered; the profile's EAP timeout"),
        IkeFailure.AaaUnavailable => new(
            IkeFailureCategory.LocalFault, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AaaUnavailable, "show aaa servers: reachability, shared secret, Message-Authenticator"),
        IkeFailure.AaaUnsendable => new(
            IkeFailureCategory.PeerMisbehaved, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AaaUnsendable, "the attribute named: what the client, the AAA server or the configuration puts into it is longer than RADIUS takes"),
        IkeFailure.BadAuthValue => new(
            IkeFailureCategory.PolicyDenied, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AuthenticationFailed, "an attack, or a client and an AAA server that derive different keys"),
        IkeFailure.BadPreSharedKey => new(
            IkeFailureCategory.PolicyDenied, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AuthenticationFailed, "the peer's identity and key against the profile's keyring, or against what AAA holds for it"),
        IkeFailure.ReconnectRefused => new(
            IkeFailureCategory.PolicyDenied, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AuthenticationFailed, "nothing, if the client logs in anew; the profile's reconnect timeout against how long clients sleep"),
        IkeFailure.TicketRefused => new(
            IkeFailureCategory.PolicyDenied, BlastRadius.FailExchange, NotifyType.TicketNack, SessionEndReason.AuthenticationFailed, "nothing, if the client logs in anew; the profile's session-resumption against how long clients sleep"),
        IkeFailure.CertificateRefused => new(
            IkeFailureCategory.PolicyDenied, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AuthenticationFailed, "the client's certificate against the profile's ca, crl and extended-key-usage"),
        IkeFailure.CertificateOfAnother => new(
            IkeFailureCategory.PolicyDenied, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AuthenticationFailed, "the client's identity against subject and subjectAltName of its certificate"),
        IkeFailure.BadSignature => new(
            IkeFailureCategory.PolicyDenied, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AuthenticationFailed, "an attack, or a client that signs with another key than that of its certificate"),
        IkeFailure.CertificateStatusUnknown => new(
            IkeFailureCategory.LocalFault, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AuthenticationFailed, "the revocation lists and OCSP responders of the authority, fetch-hosts and crl of the profile"),
        IkeFailure.AuthorizationDenied => new(
            IkeFailureCategory.PolicyDenied, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.AuthorizationDenied, "the authorization lists and the attributes that AAA sent"),
        IkeFailure.ConfigurationRequired => new(
            IkeFailureCategory.PeerIncompatible, BlastRadius.FailChildSa, NotifyType.FailedCpRequired, SessionEndReason.NoAddress, "the client must request an address (a virtual IP)"),
        IkeFailure.NoAddress => new(
            IkeFailureCategory.LocalFault, BlastRadius.FailChildSa, NotifyType.InternalAddressFailure, SessionEndReason.NoAddress, "show ip local pool; Framed-IP-Address of the user"),
        IkeFailure.SelectorsUnacceptable => new(
            IkeFailureCategory.PeerIncompatible, BlastRadius.FailChildSa, NotifyType.TsUnacceptable, SessionEndReason.SelectorsUnacceptable, "traffic local of the profile against the client's networks"),
        IkeFailure.NoChildProposal => new(
            IkeFailureCategory.PeerIncompatible, BlastRadius.FailChildSa, NotifyType.NoProposalChosen, SessionEndReason.NoProposal, "ipsec transforms of the profile against the client's"),
        IkeFailure.DataPlaneFailed => new(
            IkeFailureCategory.LocalFault, BlastRadius.FailChildSa, NotifyType.NoProposalChosen, SessionEndReason.DataPlaneFailed, "the step named; the headend's rights and the virtual-template"),
        IkeFailure.NoAdditionalSas => new(
            IkeFailureCategory.PolicyDenied, BlastRadius.FailExchange, NotifyType.NoAdditionalSas, SessionEndReason.ProtocolError, "ipsec-flow-limit"),
        IkeFailure.ChildSaNotFound => new(
            IkeFailureCategory.PeerMisbehaved, BlastRadius.FailExchange, NotifyType.ChildSaNotFound, SessionEndReason.ProtocolError, "nothing: the two sides crossed"),
        IkeFailure.TemporaryFailure => new(
            IkeFailureCategory.PeerIncompatible, BlastRadius.FailExchange, NotifyType.TemporaryFailure, SessionEndReason.ProtocolError, "nothing: the two sides crossed"),
        IkeFailure.HandshakeTimedOut => new(
            IkeFailureCategory.PeerMisbehaved, BlastRadius.Discard, null, SessionEndReason.HandshakeTimeout, "whether the client trusts our certificate, and whether large packets reach both sides"),
        IkeFailure.PeerReported => new(
            IkeFailureCategory.PeerReported, BlastRadius.Discard, null, SessionEndReason.PeerReportedError, "the client's log"),
        _ => new(
            IkeFailureCategory.LocalFault, BlastRadius.FailIkeSa, NotifyType.AuthenticationFailed, SessionEndReason.InternalError, "this is a fault of the headend: please report it"),
    };
}
