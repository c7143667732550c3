using System.Collections.Immutable;
using System.Net;
using Headend.Aaa.Authentication;
using Headend.Aaa.Authorization;

namespace Headend.Aaa.Accounting;

/// <summary>
/// One session as accounting sees it: makes its Start, Interim-Update and Stop records with what stays the same for its life. Reads no clock. Not thread-safe: the session's owner
/// calls it.
/// </summary>
public sealed class AccountingSession
{
    private const int MaximumRoutes = 16;

    private readonly ImmutableArray<IPAddress> addresses;
    private readonly AcctAuthentic authentic;
    private readonly DateTimeOffset startedAt;

    /// <param name="session">Identifiers; endpoints and NAS-Port-Id may be brought up to date by <see cref="Session"/>.</param>
    /// <param name="profile">Authorization: User-Name, Class, Chargeable-User-Identity, netmask.</param>
    /// <param name="addresses">The client's inner addresses.</param>
    /// <param name="authentic">Who authenticated the user.</param>
    /// <param name="startedAt">When the session was established, by the wall clock.</param>
    public AccountingSession(
        NasSessionRecord session, SessionProfile profile, IEnumerable<IPAddress> addresses, AcctAuthentic authentic, DateTimeOffset startedAt)
    {
        Session = session;
        Profile = profile;
        this.addresses = [.. addresses];
        this.authentic = authentic;
        this.startedAt = startedAt;
    }

    /// <summary>Identifiers for the records from now on.</summary>
    public NasSessionRecord Session { get; set; }

    /// <summary>Authorization for the records from now on: a CoA-Request may change the Class.</summary>
    public SessionProfile Profile { get; set; }

    /// <summary>A prefix that the session got of a pool; null where authorization named it or there is none.</summary>
    public IPNetwork? FramedIpv6Prefix { get; init; }

    /// <summary>The same of a delegated prefix.</summary>
    public IPNetwork? DelegatedIpv6Prefix { get; init; }

    /// <summary>The netmask that came with a leased address; authorization's goes first.</summary>
    public IPAddress? Netmask { get; init; }

    public AccountingRecord Start() => Make(AcctStatusType.Start, startedAt, default, default, null);

    /// <param name="now">Event-Timestamp.</param>
    /// <param name="sessionTime">Acct-Session-Time, of a clock that nobody sets.</param>
    /// <param name="counters">Traffic so far.</param>
    public AccountingRecord Interim(DateTimeOffset now, TimeSpan sessionTime, TrafficCounters counters) => Make(AcctStatusType.InterimUpdate, now, sessionTime, counters, null);

    /// <inheritdoc cref="Interim"/>
    /// <param name="cause">Acct-Terminate-Cause.</param>
    public AccountingRecord Stop(DateTimeOffset now, TimeSpan sessionTime, TrafficCounters counters, AcctTerminateCause cause)
        => Make(AcctStatusType.Stop, now, sessionTime, counters, cause);

    private AccountingRecord Make(AcctStatusType status, DateTimeOffset eventAt, TimeSpan sessionTime, TrafficCounters counters, AcctTerminateCause? cause) => new()
    {
        Status = status,
        Session = Session,
        EventAt = eventAt,
        UserName = Profile.UserName,
        Authentic = authentic,
        AssignedAddresses = addresses,
        Netmask = Profile.Ipv4Netmask ?? Netmask,
        FramedRoutes = RoutesOf(4),
        FramedIpv6Routes = RoutesOf(16),
        FramedIpv6Prefix = FramedIpv6Prefix ?? Profile.Ipv6Prefix,
        DelegatedIpv6Prefix = DelegatedIpv6Prefix ?? Profile.DelegatedIpv6Prefix,
        Classes = Profile.Classes,
        ChargeableUserIdentity = Profile.ChargeableUserIdentity,
        Counters = counters,
        SessionTime = sessionTime,
        TerminateCause = cause,
    };

    // A record must fit its packet, whatever a group's policy lists.
    private ImmutableArray<string> RoutesOf(int addressLength) =>
        [.. Profile.PeerRoutes.Where(r => r.Network.BaseAddress.GetAddressBytes().Length == addressLength).Take(MaximumRoutes).Select(static r => r.ToFramedRoute())];
}
