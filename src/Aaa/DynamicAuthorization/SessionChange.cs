using Headend.Aaa.Authorization;

namespace Headend.Aaa.DynamicAuthorization;

/// <summary>What of a session a CoA-Request can change.</summary>
[Flags]
public enum SessionChangeKinds
{
    None = 0,

    /// <summary>ip:interface-config.</summary>
    InterfaceConfig = 1,

    SessionTimeout = 2,

    IdleTimeout = 4,

    InterimInterval = 8,

    Class = 16,

    /// <summary>ip:inacl, ip:outacl, Filter-Id, NAS-Filter-Rule, ACS:CiscoSecure-Defined-ACL.</summary>
    AccessList = 32,

    /// <summary>ip:sub-policy-In, ip:sub-qos-policy-in.</summary>
    ServicePolicyIn = 64,

    /// <summary>ip:sub-policy-Out, ip:sub-qos-policy-out.</summary>
    ServicePolicyOut = 128,

    /// <summary>WISPr-Bandwidth-Max-Up, Mikrotik-Rate-Limit.</summary>
    RateUp = 256,

    /// <summary>WISPr-Bandwidth-Max-Down, Mikrotik-Rate-Limit.</summary>
    RateDown = 512,
}

/// <summary>The changes that a request asks for. A kind whose value is absent in <see cref="Values"/> (Session-Timeout = 0) takes the session's away.</summary>
/// <param name="Kinds">All kinds asked for.</param>
/// <param name="Values">Read by the same reader as an Access-Accept.</param>
/// <param name="Names">The attribute by which each kind was asked for, for messages.</param>
public sealed record SessionChange(SessionChangeKinds Kinds, SessionProfile Values, IReadOnlyDictionary<SessionChangeKinds, string> Names)
{
    public static SessionChange None { get; } = new(SessionChangeKinds.None, SessionProfile.Empty, new Dictionary<SessionChangeKinds, string>());

    public bool Has(SessionChangeKinds kind) => (Kinds & kind) != 0;
}

/// <summary>Cisco's subscriber:command.</summary>
public enum SubscriberCommand
{
    None,

    /// <summary>The client is to log in again.</summary>
    Reauthenticate,

    /// <summary>The session ends.</summary>
    DisableHostPort,

    /// <summary>The session ends; the client may come back at once.</summary>
    BounceHostPort,
}

/// <summary>What a verified request says.</summary>
public sealed record DynamicRequestContent
{
    public SessionKeys Keys { get; init; } = new();

    public SessionChange Change { get; init; } = SessionChange.None;

    public SubscriberCommand Command { get; init; }

    /// <summary>Service-Type = Authorize Only, which is only valid with a State.</summary>
    public bool AuthorizeOnly { get; init; }

    public ReadOnlyMemory<byte> State { get; init; }
}

/// <summary>Why a request cannot be performed.</summary>
/// <param name="Cause">For the NAK.</param>
/// <param name="Detail">For the audit log; names the attribute.</param>
public sealed record DynamicRequestFailure(ErrorCause Cause, string Detail);
