using System.Collections.Immutable;
using System.Net;
using Headend.Aaa.Authentication;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Accounting;

/// <summary>Octets and packets of a session's inner traffic. "Input" is from the client (RFC 2866 5.3).</summary>
public readonly record struct TrafficCounters(ulong InputOctets, ulong OutputOctets, ulong InputPackets, ulong OutputPackets)
{
    /// <summary>The greater of each, so that what was reported is never taken back.</summary>
    public static TrafficCounters Max(in TrafficCounters one, in TrafficCounters other) => new(
        Math.Max(one.InputOctets, other.InputOctets), Math.Max(one.OutputOctets, other.OutputOctets),
        Math.Max(one.InputPackets, other.InputPackets), Math.Max(one.OutputPackets, other.OutputPackets));

    public static TrafficCounters operator +(in TrafficCounters one, in TrafficCounters other) => new(
        one.InputOctets + other.InputOctets, one.OutputOctets + other.OutputOctets, one.InputPackets + other.InputPackets, one.OutputPackets + other.OutputPackets);
}

/// <summary>One thing to tell the accounting server. Immutable; its event time never changes, however often it is sent.</summary>
public sealed record AccountingRecord
{
    /// <summary>Room that a description leaves for what <see cref="Compose"/> adds, in octets; generous. A session whose Stop would not fit has no Start.</summary>
    private const int UsageLength = 192;

    /// <summary>Of it, what <see cref="Begin"/> takes.</summary>
    private const int EventLength = 18;

    public required AcctStatusType Status { get; init; }

    public required NasSessionRecord Session { get; init; }

    /// <summary>When it happened: Event-Timestamp, and the origin of Acct-Delay-Time.</summary>
    public required DateTimeOffset EventAt { get; init; }

    /// <summary>The authenticated identity, or null for the session's User-Name.</summary>
    public string? UserName { get; init; }

    public AcctAuthentic Authentic { get; init; } = AcctAuthentic.Radius;

    /// <summary>The client's inner addresses.</summary>
    public ImmutableArray<IPAddress> AssignedAddresses { get; init; } = [];

    public IPAddress? Netmask { get; init; }

    /// <summary>Framed-Route values: the IPv4 networks behind the client, as RFC 2865 5.22 writes them.</summary>
    public ImmutableArray<string> FramedRoutes { get; init; } = [];

    /// <summary>Framed-IPv6-Route values (RFC 3162 2.5).</summary>
    public ImmutableArray<string> FramedIpv6Routes { get; init; } = [];

    public IPNetwork? FramedIpv6Prefix { get; init; }

    public IPNetwork? DelegatedIpv6Prefix { get; init; }

    public ImmutableArray<ReadOnlyMemory<byte>> Classes { get; init; } = [];

    public ReadOnlyMemory<byte> ChargeableUserIdentity { get; init; }

    /// <summary>Not sent in a Start (RFC 2866 5.13).</summary>
    public TrafficCounters Counters { get; init; }

    public TimeSpan SessionTime { get; init; }

    /// <summary>Of a Stop.</summary>
    public AcctTerminateCause? TerminateCause { get; init; }

    /// <summary>The Accounting-Request; Acct-Delay-Time follows the clock at each transmission.</summary>
    public RadiusRequest ToRequest() => Compose(Status, Describe(), EventAt, Counters, SessionTime, TerminateCause);

    /// <summary>
    /// Who and where: what a record says of its session apart from what happened. Stored with an open session, so that its Stop can be made without it.
    /// </summary>
    internal RadiusRequest Describe()
    {
        var request = new RadiusRequest(RadiusCode.AccountingRequest).Add(RadiusAttributeType.UserName, AccessRequestCodec.Cut(UserName ?? Session.UserName, RadiusPacket.MaximumValueLength));
        AccessRequestCodec.AddNas(request, Session);
        request
            .Add(RadiusAttributeType.AcctMultiSessionId, Session.AcctMultiSessionId)
            .Add(RadiusAttributeType.AcctAuthentic, Authentic.Value);
        foreach (var address in AssignedAddresses)
        {
            var isIpv4 = address.GetAddressBytes().Length == 4;
            request.Add(isIpv4 ? RadiusAttributeType.FramedIpAddress : RadiusAttributeType.FramedIpv6Address, address);
            if (isIpv4 && Netmask is not null) request.Add(RadiusAttributeType.FramedIpNetmask, Netmask);
        }
        if (FramedIpv6Prefix is { } prefix) request.Add(RadiusAttributeType.FramedIpv6Prefix, prefix);
        if (DelegatedIpv6Prefix is { } delegated) request.Add(RadiusAttributeType.DelegatedIpv6Prefix, delegated);
        request.Add(RadiusAttributeType.ChargeableUserIdentity, ChargeableUserIdentity.Span).AddCiscoPair("connect-progress", "Call Up");
        AddLists(request);
        request.Reserve(UsageLength, "a Stop");
        return request;
    }

    // An Access-Accept may hold more Class than a record has room for, and a policy more routes. A record with some of them is better than none.
    private void AddLists(RadiusRequest request)
    {
        foreach (var value in Classes.Where(v => request.HasRoomFor(v.Length + UsageLength))) request.Add(RadiusAttributeType.Class, value.Span);
        foreach (var route in FramedRoutes.Where(r => request.HasRoomFor(r.Length + UsageLength))) request.Add(RadiusAttributeType.FramedRoute, route);
        foreach (var route in FramedIpv6Routes.Where(r => request.HasRoomFor(r.Length + UsageLength))) request.Add(RadiusAttributeType.FramedIpv6Route, route);
    }

    /// <summary>A record of a session that <paramref name="description"/> describes.</summary>
    internal static RadiusRequest Compose(
        AcctStatusType status, RadiusRequest description, DateTimeOffset eventAt, TrafficCounters counters, TimeSpan sessionTime, AcctTerminateCause? cause)
    {
        if (description.Error is not null) return description;
        var request = Begin(status, eventAt);
        // A description that an earlier version stored may be longer than one is now: its beginning says whose record this is.
        request.TryAddEncoded(description.EncodedAttributes, eventAt, UsageLength - EventLength);
        if (status != AcctStatusType.Start) AddUsage(request, counters, sessionTime);
        if (cause is { } why) request.Add(RadiusAttributeType.AcctTerminateCause, why.Value).AddCiscoPair("disc-cause-ext", why.DisconnectCause);
        return request;
    }

    /// <summary>Accounting-On or -Off: of the NAS, not of a session (RFC 2866 5.1).</summary>
    /// <param name="status">Accounting-On or Accounting-Off.</param>
    /// <param name="acctSessionId">RFC 2866 5.5 asks for one in every Accounting-Request; no session's.</param>
    /// <param name="nasIdentifier">As in the records of sessions.</param>
    /// <param name="nasAddress">As in the records of sessions, or null.</param>
    /// <param name="eventAt">Start or end of the process.</param>
    internal static RadiusRequest ComposeNas(AcctStatusType status, string acctSessionId, string? nasIdentifier, IPAddress? nasAddress, DateTimeOffset eventAt)
    {
        var request = Begin(status, eventAt).Add(RadiusAttributeType.AcctSessionId, acctSessionId);
        if (nasAddress is not null) AccessRequestCodec.AddNasAddress(request, nasAddress);
        return request.Add(RadiusAttributeType.NasIdentifier, nasIdentifier);
    }

    private static RadiusRequest Begin(AcctStatusType status, DateTimeOffset eventAt) => new RadiusRequest(RadiusCode.AccountingRequest)
        .Add(RadiusAttributeType.AcctStatusType, status.Value)
        .Add(RadiusAttributeType.EventTimestamp, (uint)eventAt.ToUnixTimeSeconds())
        .AddDelayTime(eventAt);

    private static void AddUsage(RadiusRequest request, in TrafficCounters counters, TimeSpan sessionTime) => request
        .Add(RadiusAttributeType.AcctSessionTime, (uint)Math.Clamp((long)sessionTime.TotalSeconds, 0, uint.MaxValue))
        // RFC 2869 5.1, 5.2: Gigawords count how often the 32-bit counters wrapped.
        .Add(RadiusAttributeType.AcctInputOctets, (uint)counters.InputOctets)
        .Add(RadiusAttributeType.AcctInputGigawords, (uint)(counters.InputOctets >> 32))
        .Add(RadiusAttributeType.AcctOutputOctets, (uint)counters.OutputOctets)
        .Add(RadiusAttributeType.AcctOutputGigawords, (uint)(counters.OutputOctets >> 32))
        .Add(RadiusAttributeType.AcctInputPackets, (uint)counters.InputPackets)
        .Add(RadiusAttributeType.AcctOutputPackets, (uint)counters.OutputPackets);
}
