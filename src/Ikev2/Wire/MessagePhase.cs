namespace Headend.Ikev2.Wire;

/// <summary>Which message of an exchange is meant where exchange type and direction do not say it.</summary>
public enum MessagePhase
{
    /// <summary>The exchange has one kind of request and response: IKE_SA_INIT, IKE_SESSION_RESUME, INFORMATIONAL.</summary>
    Only = 0,

    /// <summary>IKE_AUTH: the first request and its response.</summary>
    First,

    /// <summary>IKE_AUTH: the identity of a second authentication (RFC 4739 2).</summary>
    SecondIdentity,

    /// <summary>IKE_AUTH: the one exchange behind IKE_SESSION_RESUME (RFC 5723 4.3.3).</summary>
    Resumed,

    /// <summary>IKE_AUTH: a request with EAP and its response with EAP (RFC 7296 2.16).</summary>
    EapContinued,

    /// <summary>IKE_AUTH: the AUTH exchange after EAP has succeeded.</summary>
    EapFinal,

    /// <summary>CREATE_CHILD_SA: RFC 7296 1.3.1.</summary>
    NewChild,

    /// <summary>CREATE_CHILD_SA: RFC 7296 1.3.2.</summary>
    RekeyIke,

    /// <summary>CREATE_CHILD_SA: RFC 7296 1.3.3.</summary>
    RekeyChild,
}
