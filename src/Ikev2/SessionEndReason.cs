namespace Headend.Ikev2;

/// <summary>Why a session or a login ended; every one ends with exactly one. Maps to a metric tag, Acct-Terminate-Cause and a log event.</summary>
public enum SessionEndReason
{
    /// <summary>The peer sent Delete for the IKE SA.</summary>
    PeerDeleted,

    /// <summary>An operator cleared it.</summary>
    AdminCleared,

    /// <summary>The headend shuts down.</summary>
    Shutdown,

    /// <summary>Session-Timeout ran out.</summary>
    SessionTimeout,

    /// <summary>Idle-Timeout ran out: no inner packet either way.</summary>
    IdleTimeout,

    /// <summary>The peer answered none of our retransmissions (dead peer detection or any other request of ours).</summary>
    PeerUnreachable,

    /// <summary>A newer session of the same user took its address over.</summary>
    Replaced,

    /// <summary>Lifetime ran out without a rekey.</summary>
    LifetimeExpired,

    /// <summary>The peer told us that it failed (AUTHENTICATION_FAILED, INVALID_SYNTAX).</summary>
    PeerReportedError,

    /// <summary>Wrong credentials, a wrong AUTH value, an EAP method without a key, no matching profile.</summary>
    AuthenticationFailed,

    /// <summary>No AAA server answered.</summary>
    AaaUnavailable,

    /// <summary>What is to be said of the client does not fit into a request to an AAA server, or into its accounting.</summary>
    AaaUnsendable,

    /// <summary>Authorization refused the session.</summary>
    AuthorizationDenied,

    /// <summary>The peer did not go on with EAP in time.</summary>
    EapTimeout,

    /// <summary>The peer did not go on with IKE_AUTH in time.</summary>
    HandshakeTimeout,

    /// <summary>Nothing of what the peer offered is acceptable.</summary>
    NoProposal,

    /// <summary>No address could be assigned.</summary>
    NoAddress,

    /// <summary>The address was leased for a time and the lease was not renewed.</summary>
    LeaseLost,

    /// <summary>Traffic selectors do not meet.</summary>
    SelectorsUnacceptable,

    /// <summary>The data plane or the interface could not be set up.</summary>
    DataPlaneFailed,

    /// <summary>The peer broke the protocol after it authenticated its messages.</summary>
    ProtocolError,

    /// <summary>A fault of ours ended this one session.</summary>
    InternalError,
}
