namespace Headend.Ikev2.Sa;

/// <summary>
/// What survives a rekey of the IKE SA: the login, what was granted, the CHILD_SAs. Exists from the first IKE_AUTH request on; <see cref="Current"/> is
/// the one IKE SA that speaks for it. Ends exactly once.
/// </summary>
internal sealed class IkeSession(LoginRecord login, IkeSa current)
{
    private string? _methodBefore;

    public LoginRecord Login { get; } = login;

    public SessionId Id => Login.Session;

    public IkeProfile Profile => Login.Profile;

    public IkeSa Current { get; set; } = current;

    public SessionGrant Grant { get; set; } = SessionGrant.Empty;

    /// <summary>The grant's, and from the first CHILD_SA on what that one has.</summary>
    public EncapsulationRule Encapsulation { get; set; }

    public AssignedAddresses? Addresses { get; set; }

    public List<ChildSa> Children { get; } = [];

    /// <summary>Rekeyed IKE SAs of it that wait for their Delete.</summary>
    public int Retired { get; set; }

    /// <summary>SessionUp was emitted.</summary>
    public bool Up { get; set; }

    /// <summary>SessionDown was emitted.</summary>
    public bool Ended { get; set; }

    /// <summary>Somebody ends it: it does not wait for its client, whatever else holds.</summary>
    public bool EndsForGood { get; set; }

    public MonotonicTime? UpAt { get; set; }

    /// <summary>When Session-Timeout ends it, or the time in which it was to authenticate anew; null for never.</summary>
    public MonotonicTime? ExpiresAt { get; set; }

    /// <summary>The client has a session-id and a token to come back with.</summary>
    public bool ReconnectOffered { get; set; }

    /// <summary>What goes out with the last IKE_AUTH response and is told to the outside with SessionUp.</summary>
    public ReconnectOffer? Offer { get; set; }

    /// <summary>The client has tickets, the last of which is good until then; null without any.</summary>
    public MonotonicTime? TicketUntil { get; set; }

    /// <summary>How the client proves itself, or did before it came back by a token, which is a pre-shared key of ours; null before.</summary>
    public string? Method => _methodBefore ?? Login.Method;

    /// <summary>How long the session is kept when its client is found silent now; null = not at all.</summary>
    public TimeSpan? KeptFor(MonotonicTime now)
    {
        var kept = ReconnectOffered ? Longer(Profile.Reconnect?.Timeout, Profile.ClientResume) : Profile.ClientResume;
        if (Profile.Resumption is not { } policy || TicketUntil is not { } until || until <= now)
            return kept;
        var left = until - now;
        return Longer(left < policy.Timeout ? left : policy.Timeout, kept);
    }

    /// <summary>The client was asked to authenticate anew and has not.</summary>
    public bool ReauthenticationAsked { get; set; }

    public string ExpiryDetail => ReauthenticationAsked
        ? "the client was asked to authenticate anew and did not"
        : $"Session-Timeout of {Grant.SessionTimeout} ran out";

    /// <summary>The login goes on with a session that was there before: what its client has to come back with is as good as it was.</summary>
    public void TakeOver(TakenSession taken, MonotonicTime now)
    {
        if (Login.ReconnectId is not null)
            _methodBefore = taken.Method;
        ReconnectOffered |= taken.IsReconnectable && Profile is { Reconnect: not null, Credential: not null };
        if (Profile.Resumption is { } policy && taken.TicketsFor is { } left)
            TicketUntil = now + (left < policy.Lifetime ? left : policy.Lifetime);
    }

    public ChildSa? FindByOutboundSpi(uint spi) => Children.Find(c => c.OutboundSpi == spi);

    public ChildSa? FindByInboundSpi(uint spi) => Children.Find(c => c.InboundSpi == spi);

    private static TimeSpan? Longer(TimeSpan? one, TimeSpan? other) => one is null || other > one ? other : one;
}
