using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using Headend.Aaa.Accounting;
using Headend.Aaa.Addresses;
using Headend.Aaa.Client;

namespace Headend.Telemetry;

/// <summary>
/// The typed instruments of the one <see cref="Meter"/>. Every tag has a bounded set of values: enum-like words, server names from the
/// configuration, registered numbers; never a user, an address or a peer's bytes. Safe from any thread; no call allocates.
/// </summary>
internal sealed class HeadendMetrics : IDisposable
{
    public const string MeterName = "headend";

    /// <summary>Upper bounds in seconds: a login takes milliseconds with a local user and up to the EAP timeout with a person who types.</summary>
    internal static readonly double[] LoginSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180];

    /// <summary>Upper bounds in seconds of one RADIUS request, retransmissions included.</summary>
    internal static readonly double[] RadiusSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    private readonly Meter meter = new(MeterName);
    private readonly Histogram<double> loginDuration;
    private readonly Counter<long> tunnelChanges;
    private readonly Counter<long> radiusRequests;
    private readonly Histogram<double> radiusDuration;
    private readonly Counter<long> accountingDropped;
    private readonly Counter<long> attributesIgnored;
    private readonly Counter<long> dynamicAuthorizations;
    private readonly Histogram<double> dynamicAuthorizationDuration;
    private readonly Counter<long> dynamicAuthorizationDiscards;
    private readonly Counter<long> accountingStartLate;

    /// <summary>Words of the tags <c>initiator</c> and <c>direction</c>.</summary>
    internal const string Local = "local";
    internal const string Remote = "remote";
    internal const string Sent = "sent";
    internal const string Received = "received";

    public HeadendMetrics()
    {
        meter.CreateObservableCounter("headend.logins", Logins.Measure, "{login}", "Login attempts by outcome and reason.");
        loginDuration = Histogram("headend.login.duration", "Time from the first IKE_SA_INIT to the outcome of the login.", LoginSeconds);
        meter.CreateObservableCounter("headend.sessions.ended", SessionsEnded.Measure, "{session}", "Sessions that ended, by reason.");
        tunnelChanges = meter.CreateCounter<long>("headend.tunnel.changes", "{change}", "Tunnels of profiles with client-resume that came up, again after sleep too, or went down for good.");
        meter.CreateObservableCounter("headend.ike.exchanges", Exchanges.Measure, "{exchange}", "IKE exchanges completed, by type and who began them.");
        meter.CreateObservableCounter("headend.ike.discards", Discards.Measure, "{datagram}", "IKE datagrams thrown away, and first requests refused, by reason.");
        meter.CreateObservableCounter("headend.ike.retransmissions", Retransmissions.Measure, "{message}", "IKE messages sent again (sent) or received again (received).");
        meter.CreateObservableCounter("headend.ike.rekeys", Rekeys.Measure, "{rekey}", "Rekeys by kind of SA and who began them.");
        radiusRequests = meter.CreateCounter<long>("headend.radius.requests", "{request}", "RADIUS requests by server and outcome.");
        radiusDuration = Histogram("headend.radius.duration", "Time from a RADIUS request to its outcome.", RadiusSeconds);
        dynamicAuthorizations = meter.CreateCounter<long>("headend.dynamic_authorization.requests", "{request}", "Disconnect- and CoA-Requests answered, by outcome and Error-Cause.");
        dynamicAuthorizationDuration = Histogram("headend.dynamic_authorization.duration", "Time from a Disconnect- or CoA-Request to its answer.", RadiusSeconds);
        dynamicAuthorizationDiscards = meter.CreateCounter<long>("headend.dynamic_authorization.unanswered", "{datagram}", "Datagrams on the dynamic authorization ports that were not performed, by reason.");
        accountingDropped = meter.CreateCounter<long>("headend.accounting.dropped", "{record}", "Accounting records given up, by reason.");
        attributesIgnored = meter.CreateCounter<long>("headend.aaa.attributes.ignored", "{attribute}", "Attributes of authorization that nothing acts on, by reason: unknown or bad-value.");
        accountingStartLate = meter.CreateCounter<long>("headend.accounting.start_late", "{session}", "Sessions that came up before their Start was on disk, because the disk was slow.");
    }

    /// <summary>By outcome and reason.</summary>
    public CounterTable Logins { get; } = new("outcome", "reason");

    /// <summary>By reason.</summary>
    public CounterTable SessionsEnded { get; } = new("reason");

    /// <summary>By type and who began them.</summary>
    public CounterTable Exchanges { get; } = new("type", "initiator");

    /// <summary>By reason.</summary>
    public CounterTable Discards { get; } = new("reason");

    /// <summary>By direction.</summary>
    public CounterTable Retransmissions { get; } = new("direction");

    /// <summary>By kind of SA and who began them.</summary>
    public CounterTable Rekeys { get; } = new("kind", "initiator");

    /// <summary>One login attempt ended. <paramref name="outcome"/> is a word of <see cref="LoginOutcome"/>, <paramref name="reason"/> the name of an end reason.</summary>
    public void LoginEnded(string outcome, string reason, TimeSpan duration)
    {
        Logins.Add(outcome, reason);
        loginDuration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("outcome", outcome));
    }

    /// <summary>The tunnel of a session with client-resume came up, or went down for good.</summary>
    public void TunnelChanged(bool isUp) => tunnelChanges.Add(1, new KeyValuePair<string, object?>("state", isUp ? "up" : "down"));

    public void SessionEnded(string reason) => SessionsEnded.Add(reason);

    /// <param name="type">The RFC's name of the exchange, such as <c>IKE_AUTH</c>; <c>other</c> for numbers without a name.</param>
    /// <param name="local">This side began it.</param>
    public void ExchangeCompleted(string type, bool local) => Exchanges.Add(type, Initiator(local));

    public void Discarded(string reason) => Discards.Add(reason);

    /// <summary>A message went out again (<paramref name="sent"/>) or the peer's came in again.</summary>
    public void Retransmitted(bool sent) => Retransmissions.Add(sent ? Sent : Received);

    /// <param name="kind"><c>ike</c> or <c>child</c>.</param>
    /// <param name="local">This side began it.</param>
    public void Rekeyed(string kind, bool local) => Rekeys.Add(kind, Initiator(local));

    /// <param name="server">Name of the server in the configuration.</param>
    /// <param name="kind"><c>access</c> or <c>accounting</c>.</param>
    /// <param name="outcome">Such as accept, reject, challenge, response, timeout.</param>
    /// <param name="duration">From the first transmission to the outcome.</param>
    public void RadiusRequestEnded(string server, string kind, string outcome, TimeSpan duration)
    {
        radiusRequests.Add(
            1,
            new KeyValuePair<string, object?>("server", server),
            new KeyValuePair<string, object?>("kind", kind),
            new KeyValuePair<string, object?>("outcome", outcome));
        radiusDuration.Record(
            duration.TotalSeconds, new KeyValuePair<string, object?>("server", server), new KeyValuePair<string, object?>("kind", kind));
    }

    /// <param name="code">Name of the request's code.</param>
    /// <param name="outcome"><c>ack</c> or <c>nak</c>.</param>
    /// <param name="errorCause">Error-Cause (RFC 5176 3.5), 0 with an ACK.</param>
    /// <param name="duration">From the request to its answer.</param>
    public void DynamicAuthorizationAnswered(string code, string outcome, uint errorCause, TimeSpan duration)
    {
        dynamicAuthorizations.Add(
            1, new KeyValuePair<string, object?>("code", code), new KeyValuePair<string, object?>("outcome", outcome), new KeyValuePair<string, object?>("error_cause", (long)errorCause));
        dynamicAuthorizationDuration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("code", code));
    }

    /// <param name="reason">Such as <c>unknown-client</c>, <c>bad-authenticator</c>, <c>repeated</c>.</param>
    public void DynamicAuthorizationDiscarded(string reason) => dynamicAuthorizationDiscards.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void AccountingStartLate() => accountingStartLate.Add(1);

    public void AccountingDropped(string reason) => accountingDropped.Add(1, new KeyValuePair<string, object?>("reason", reason));

    /// <param name="reason"><c>unknown</c> or <c>bad-value</c>.</param>
    public void AttributeIgnored(string reason) => attributesIgnored.Add(1, new KeyValuePair<string, object?>("reason", reason));

    /// <summary>Registers the values that a collector reads. Call once, before the first collection.</summary>
    public void Observe(MetricsObserver observer)
    {
        meter.CreateObservableGauge("headend.sessions", observer.ActiveSessions, "{session}", "Sessions that are up.");
        meter.CreateObservableGauge("headend.sessions.inactive", observer.InactiveSessions, "{session}", "Sessions whose client is silent, kept for its return.");
        meter.CreateObservableGauge("headend.ike.half_open", observer.HalfOpen, "{sa}", "IKE SAs that have not authenticated.");
        Observe(observer.Accounting);
        meter.CreateObservableCounter("headend.esp.packets", () => Both(observer.Esp(), t => t.InPackets, t => t.OutPackets), "{packet}", "Inner packets through ESP.");
        meter.CreateObservableCounter("headend.esp.octets", () => Both(observer.Esp(), t => t.InOctets, t => t.OutOctets), "By", "Octets of inner packets through ESP.");
        meter.CreateObservableCounter("headend.esp.drops", () => Drops(observer.EspDrops()), "{packet}", "Packets that ESP threw away, by reason.");
        meter.CreateObservableGauge("headend.pool.addresses", () => InState(observer.Pools()), "{address}", "Addresses of pools by state: free, in-use, held-down.");
        meter.CreateObservableCounter(
            "headend.pool.exhausted", () => observer.Pools().Select(p => new Measurement<long>(p.Exhausted, new KeyValuePair<string, object?>("pool", p.Name))),
            "{request}", "Requests for an address that found none free, by pool.");
        Observe(observer.Dhcp);
    }

    private static IEnumerable<Measurement<long>> InState(IReadOnlyList<AddressPoolStatistics> pools)
    {
        foreach (var pool in pools)
        {
            foreach (var (state, count) in ((string, long)[])[("free", pool.Free), ("in-use", pool.Leased), ("held-down", pool.HeldDown)])
                yield return new(count, new KeyValuePair<string, object?>("pool", pool.Name), new KeyValuePair<string, object?>("state", state));
        }
    }

    public void Dispose() => meter.Dispose();

    private void Observe(Func<DhcpStatistics> dhcp)
    {
        meter.CreateObservableGauge("headend.dhcp.leases", () => InState(dhcp()), "{lease}", "DHCP leases by state: asking, bound.");
        meter.CreateObservableCounter("headend.dhcp.results", () => Results(dhcp()), "{result}", "What came of leases: granted, failed, renewed, lost.");
        meter.CreateObservableCounter("headend.dhcp.discards", () => dhcp().Discarded, "{datagram}", "Datagrams to the DHCP relay port that answered nothing.");
    }

    private static Measurement<long>[] InState(DhcpStatistics dhcp) =>
    [
        new(dhcp.Outstanding, new KeyValuePair<string, object?>("state", "asking")),
        new(dhcp.Bound, new KeyValuePair<string, object?>("state", "bound")),
    ];

    private static Measurement<long>[] Results(DhcpStatistics dhcp) =>
    [
        new(dhcp.Granted, new KeyValuePair<string, object?>("result", "granted")),
        new(dhcp.Failed, new KeyValuePair<string, object?>("result", "failed")),
        new(dhcp.Renewed, new KeyValuePair<string, object?>("result", "renewed")),
        new(dhcp.Lost, new KeyValuePair<string, object?>("result", "lost")),
    ];

    private void Observe(Func<AccountingStatistics?> accounting)
    {
        meter.CreateObservableGauge("headend.accounting.queue", () => accounting()?.Waiting ?? 0, "{record}", "Accounting records not yet acknowledged.");
        meter.CreateObservableGauge("headend.accounting.queue_size", () => accounting()?.WaitingOctets ?? 0, "By", "Octets of accounting records not yet acknowledged.");
        meter.CreateObservableGauge("headend.accounting.unsaved", () => accounting()?.Unsaved ?? 0, "{record}", "Accounting records that are only in memory.");
        meter.CreateObservableGauge("headend.accounting.stuck", () => accounting()?.Lists.Sum(l => l.Stuck) ?? 0, "{session}", "Sessions whose next record is refused although others are taken.");
        meter.CreateObservableCounter("headend.accounting.delivered", () => accounting()?.Delivered ?? 0, "{record}", "Accounting records acknowledged.");
        meter.CreateObservableCounter("headend.accounting.spooled", () => accounting()?.CommittedRecords ?? 0, "{record}", "Accounting records written to the spool.");
        meter.CreateObservableCounter("headend.accounting.commits", () => accounting()?.Commits ?? 0, "{commit}", "Batches written to the spool.");
        meter.CreateObservableCounter("headend.accounting.spool_failures", () => accounting()?.SpoolFailures ?? 0, "{commit}", "Batches that the spool refused.");
    }

    private static string Initiator(bool local) => local ? Local : Remote;

    private static Measurement<long>[] Both(EspTotalsRecord totals, Func<EspTotalsRecord, long> inbound, Func<EspTotalsRecord, long> outbound) =>
    [
        new(inbound(totals), new KeyValuePair<string, object?>("direction", "in")),
        new(outbound(totals), new KeyValuePair<string, object?>("direction", "out")),
    ];

    private static IEnumerable<Measurement<long>> Drops(IReadOnlyDictionary<string, long> drops) =>
        drops.Select(d => new Measurement<long>(d.Value, new KeyValuePair<string, object?>("reason", d.Key)));

    private Histogram<double> Histogram(string name, string description, double[] bounds) => meter.CreateHistogram(
        name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
}

/// <summary>Sources of the values that exist elsewhere and are read at collection. Called from the collector's thread.</summary>
internal sealed record MetricsObserver
{
    public required Func<int> ActiveSessions { get; init; }

    public required Func<int> InactiveSessions { get; init; }

    public required Func<int> HalfOpen { get; init; }

    /// <summary>Null where nothing is accounted for.</summary>
    public required Func<AccountingStatistics?> Accounting { get; init; }

    public required Func<IReadOnlyList<AddressPoolStatistics>> Pools { get; init; }

    public required Func<DhcpStatistics> Dhcp { get; init; }

    public required Func<EspTotalsRecord> Esp { get; init; }

    /// <summary>Packets dropped since the start, by a bounded set of reasons.</summary>
    public required Func<IReadOnlyDictionary<string, long>> EspDrops { get; init; }
}

/// <summary>Inner packets and octets since the start of the process; "in" is from clients.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct EspTotalsRecord(long InPackets, long InOctets, long OutPackets, long OutOctets);

/// <summary>How a login attempt ended, as metrics, spans and logs say it.</summary>
internal static class LoginOutcome
{
    public const string Success = "success";

    /// <summary>The user or the policy was refused.</summary>
    public const string Rejected = "rejected";

    /// <summary>The attempt broke off: timeout, malformed input, no common proposal, RADIUS unavailable.</summary>
    public const string Failed = "failed";
}
