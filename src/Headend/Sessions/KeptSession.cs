using System.Collections.Immutable;
using System.Net;
using Headend.Aaa.Authorization;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.VirtualAccess.Configuration;

namespace Headend.Sessions;

/// <summary>
/// A session that its client may come back to, as the store has it: everything that a later process needs to go on with it. Immutable. What it holds of secrets are the reconnect tokens; the
/// reconnect session-id is there by its hash alone.
/// </summary>
internal sealed record KeptSession
{
    public required SessionNames Names { get; init; }

    /// <summary>Those of logins by which AAA knows it, too.</summary>
    public ImmutableArray<SessionNames> Aliases { get; init; } = [];

    /// <summary>Name of the IKEv2 profile.</summary>
    public required string Profile { get; init; }

    public required byte IdentityType { get; init; }

    public required byte[] Identity { get; init; }

    public required KeptLogin Login { get; init; }

    public required IPEndPoint Local { get; init; }

    public required IPEndPoint Remote { get; init; }

    public bool NonEspMarker { get; init; }

    public required IPAddress AddressAtLogin { get; init; }

    public required ImmutableArray<AuthorizationSource> Sources { get; init; }

    public required SessionProfile Authorization { get; init; }

    /// <summary>Where its filters come from, if not of <see cref="Authorization"/>.</summary>
    public SessionProfile? Filters { get; init; }

    /// <summary>The group of RADIUS servers that authorized it.</summary>
    public string? AuthorizedBy { get; init; }

    /// <summary>Without any where the client asked for none.</summary>
    public required AssignedAddresses Addresses { get; init; }

    public IPNetwork? FramedPrefix { get; init; }

    public IPNetwork? DelegatedPrefix { get; init; }

    /// <summary>All that it holds of addresses, those for translation too.</summary>
    public required ImmutableArray<IPNetwork> Leases { get; init; }

    public required ImmutableDictionary<string, IPAddress> NatAddresses { get; init; }

    public required ImmutableArray<IPNetwork> Subnets { get; init; }

    public TunnelEncapsulation Encapsulation { get; init; }

    public required SessionGrant Grant { get; init; }

    /// <summary>The moment of which all this tells, by the wall clock, as the other moments are; null in records that do not say it.</summary>
    public DateTimeOffset? AsOf { get; init; }

    /// <summary>When it came up, by the wall clock.</summary>
    public required DateTimeOffset UpAt { get; init; }

    /// <summary>Since when its client is known to be silent; null where it was not.</summary>
    public DateTimeOffset? SilentSince { get; init; }

    /// <summary>When Session-Timeout ends it; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When Idle-Timeout ends it, where its client is silent; null for never.</summary>
    public DateTimeOffset? IdleAt { get; init; }

    /// <summary>How long it is kept while its client is silent.</summary>
    public required TimeSpan KeptFor { get; init; }

    /// <summary>The accounting list that has its Start; null for none.</summary>
    public string? AccountingList { get; init; }

    public TimeSpan? InterimInterval { get; init; }

    /// <summary>Null where the client got no session-id.</summary>
    public KeptReconnect? Reconnect { get; init; }

    /// <summary>Hashes of the tickets that are out for it.</summary>
    public ImmutableArray<string> Tickets { get; init; } = [];

    public override string ToString() => Names.AuditSessionId;
}

/// <summary>What a login told and proved.</summary>
internal sealed record KeptLogin
{
    public string? User { get; init; }

    public string? EapIdentity { get; init; }

    public string? Method { get; init; }

    public required RemoteMethod RemoteMethod { get; init; }

    public string? LocalMethod { get; init; }

    public string? LocalIdentity { get; init; }

    public string ProfileMatch { get; init; } = "";

    public string? KeyEntry { get; init; }

    /// <summary>This headend itself authenticated the user, and no RADIUS server.</summary>
    public bool IsLocal { get; init; }

    public string? ClientSoftware { get; init; }

    public bool NatDetected { get; init; }

    public bool IsAnyConnect { get; init; }

    public string? TunnelGroup { get; init; }

    public KeyValuePair<string, string>? CertificatePair { get; init; }

    /// <summary>Of the certificate that the client proved to be its own; null without one.</summary>
    public string? CertificateSubject { get; init; }

    public ImmutableArray<KeyValuePair<string, string>> Device { get; init; } = [];
}

/// <param name="Hash">Of the session-id.</param>
/// <param name="Last">Number of the newest token.</param>
/// <param name="Tokens">The proven one, then the newer one.</param>
internal sealed record KeptReconnect(string Hash, long Last, ImmutableArray<KeptToken> Tokens)
{
    public ImmutableArray<KeptToken> Tokens { get; init; } = Tokens.IsDefault ? [] : Tokens;

    public override string ToString() => "(reconnect)";
}

/// <param name="Number">Tells the tokens apart.</param>
/// <param name="Value">Secret.</param>
internal sealed record KeptToken(long Number, byte[] Value)
{
    public override string ToString() => $"(reconnect token {Number})";
}
