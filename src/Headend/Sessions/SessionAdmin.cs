using System.Net;
using System.Reflection;
using Headend.Aaa.Addresses;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Admin;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Runtime;
using Headend.Telemetry;
using Headend.VirtualAccess.Policy;

namespace Headend.Sessions;

/// <summary>Answers the admin API from the session table, the shards and the AAA parts.</summary>
internal sealed class SessionAdmin(
    HeadendConfiguration configuration, MonotonicClock clock, SessionTable table, SessionInterfaces interfaces, AddressAssignment addresses, RadiusClient? radius,
    IReadOnlyList<IkeShard> shards, LocalAaa local) : IAdminBackend
{
    /// <summary>How long an answer to `clear` waits for sessions to end for good.</summary>
    private static readonly TimeSpan ClearTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Without an inner packet for this long a session shows as UP-IDLE.</summary>
    private static readonly TimeSpan IdleAfter = TimeSpan.FromSeconds(60);

    private const int MostRangesShown = 100;

    private readonly MonotonicTime startedAt = clock.Now;

    public async ValueTask<IReadOnlyList<SessionRecord>> GetSessionsAsync(CancellationToken cancellation)
    {
        var sas = new Dictionary<SessionId, IkeSaSnapshot>();
        foreach (var sa in await DescribeAsync(cancellation))
        {
            // Around a rekey a session has two IKE SAs; the newer speaks for it.
            if (sa.Session is { } id && (!sas.TryGetValue(id, out var known) || sa.CreatedAt > known.CreatedAt))
                sas[id] = sa;
        }

        return [.. table.All.Where(s => sas.ContainsKey(s.Id) || s.Inactivity is not null).OrderBy(s => s.Names.Number).Select(s => ToRecord(s, sas.GetValueOrDefault(s.Id)))];
    }

    public async ValueTask<IReadOnlyList<IkeSaDetailRecord>> GetIkeSasAsync(CancellationToken cancellation) =>
        [.. (await DescribeAsync(cancellation)).Select(ToDetail)];

    public ValueTask<IReadOnlyList<AaaServerRecord>> GetAaaServersAsync(CancellationToken cancellation)
    {
        var statistics = radius?.GetStatistics().ToDictionary(s => s.Server, StringComparer.Ordinal) ?? [];
        var now = clock.Time.GetUtcNow();
        return ValueTask.FromResult<IReadOnlyList<AaaServerRecord>>([.. configuration.Radius.Servers.Select(s => ToRecord(s, statistics.GetValueOrDefault(s.Name), now))]);
    }

    public ValueTask<IReadOnlyList<AaaUserRecord>> GetAaaUsersAsync(string? user, CancellationToken cancellation) =>
        ValueTask.FromResult(new AaaUserTable(table, local, clock, StatusOf).Describe(user));

    public required Func<int, IReadOnlyList<PolicyMapRecord>> PolicyMaps { get; init; }

    public ValueTask<IReadOnlyList<PolicyMapRecord>> GetPolicyMapsAsync(int number, CancellationToken cancellation) => ValueTask.FromResult(PolicyMaps(number));

    public required Func<AccountingSpoolRecord> Accounting { get; init; }

    public required Func<ReconnectStatistics> Reconnects { get; init; }

    public ValueTask<ReconnectStatisticsRecord> GetReconnectsAsync(CancellationToken cancellation)
    {
        var counts = Reconnects();
        return ValueTask.FromResult(new ReconnectStatisticsRecord(counts.Incoming, counts.Succeeded, counts.Failed, counts.CapableActive, counts.CapableInactive));
    }

    public required HeadendMetrics Metrics { get; init; }

    public async ValueTask<IkeStatisticsRecord> GetIkeStatisticsAsync(CancellationToken cancellation) =>
        IkeStatisticsCompiler.Compile([.. shards.Select(s => s.Counts)], table, Metrics, await GetReconnectsAsync(cancellation));

    public required InterfaceAdmin Interfaces { get; init; }

    /// <summary>Asks the kernel for its counters.</summary>
    public required Func<FilterStatistics> Filters { get; init; }

    public ValueTask<IReadOnlyList<AccessListRecord>> GetAccessListsAsync(CancellationToken cancellation) =>
        ValueTask.FromResult(AccessListRecordCompiler.Compile(Filters()));

    public ValueTask<AccountingSpoolRecord> GetAccountingAsync(CancellationToken cancellation) => ValueTask.FromResult(Accounting());

    public ValueTask<IReadOnlyList<AddressPoolRecord>> GetPoolsAsync(CancellationToken cancellation) =>
        ValueTask.FromResult<IReadOnlyList<AddressPoolRecord>>([.. addresses.Pools.Select(ToRecord)]);

    public async ValueTask<ClearedSessionsRecord> ClearSessionsAsync(ClearSessionsRecord which, CancellationToken cancellation)
    {
        var remote = which.Remote is not null && IPAddress.TryParse(which.Remote, out var parsed) ? parsed : null;
        var cleared = new List<ClientSession>();
        foreach (var session in table.All)
        {
            var fits = which.All
                || (which.Id is not null && Names(session).Contains(which.Id, StringComparer.OrdinalIgnoreCase))
                || (which.User is not null && string.Equals(session.User, which.User, session.IsUserNameExact ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase))
                || (remote is not null && session.Path.Remote.Address.Equals(remote));
            if (!fits)
                continue;
            session.Shard.Post(new EndSessionCommand(session.Id, SessionEndReason.AdminCleared, "cleared by an operator"));
            cleared.Add(session);
        }

        // What was cleared does not come back after a crash; of those that a restart could bring back the answer waits for that.
        await Task.WhenAll(cleared.Where(s => s.Kept.IsStored).Select(s => s.Gone.Task)).WaitAsync(ClearTimeout, clock.Time, cancellation)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return CountCleared(cleared);
    }

    internal static ClearedSessionsRecord CountCleared(IReadOnlyCollection<ClientSession> cleared)
    {
        var notRevoked = cleared.Count(s => s.Kept.IsStored && !(s.Gone.Task.IsCompletedSuccessfully && s.IsRevoked));
        return new ClearedSessionsRecord(cleared.Count - notRevoked, notRevoked);
    }

    public ValueTask<IReadOnlyList<LockoutRecord>> GetLockoutsAsync(CancellationToken cancellation)
    {
        var now = clock.Time.GetUtcNow();
        return ValueTask.FromResult<IReadOnlyList<LockoutRecord>>(
        [
            .. local.Lockout.All().Select(u => new LockoutRecord
            {
                User = u.User,
                Failures = u.State.Failures,
                LockedForSeconds = (long?)(u.State.LockedUntil - now)?.TotalSeconds,
            }),
        ]);
    }

    public ValueTask<bool> ClearLockoutAsync(string user, CancellationToken cancellation) => ValueTask.FromResult(local.Lockout.Clear(user));

    public ValueTask<InterfaceRecord?> GetInterfaceAsync(int number, CancellationToken cancellation) => ValueTask.FromResult(Interfaces.Describe(number));

    public ValueTask<IReadOnlyList<VirtualTemplateRecord>> GetTemplatesAsync(CancellationToken cancellation) => ValueTask.FromResult(Interfaces.DescribeTemplates());

    public ValueTask<HealthRecord> GetHealthAsync(CancellationToken cancellation)
    {
        var version = typeof(SessionAdmin).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        return ValueTask.FromResult(new HealthRecord("ok", version, (long)(clock.Now - startedAt).TotalSeconds, table.UpCount));
    }

    private static AddressPoolRecord ToRecord(AddressPool pool)
    {
        var ranges = pool.Ranges;
        var use = pool.GetStatistics();
        return new AddressPoolRecord
        {
            Name = pool.Name,
            First = ranges[0].First.ToString(),
            Last = ranges[^1].Last.ToString(),
            Ranges = [.. ranges.Take(MostRangesShown).Select(r => new AddressPoolRangeRecord(r.First.ToString(), r.Last.ToString()))],
            PrefixLength = pool.PrefixLength,
            Size = use.Size.ToString(),
            Free = use.Free.ToString(),
            InUse = use.Leased,
            HeldDown = use.HeldDown,
            HighWater = use.HighWater,
            Exhausted = use.Exhausted,
        };
    }

    private static string[] Names(ClientSession session) =>
        [session.Names.Number.ToString(), session.DeviceName, session.InterfaceName, session.Names.AuditSessionId, session.Names.AcctSessionId];

    private static AaaServerRecord ToRecord(Configuration.RadiusServerOptions server, RadiusServerStatistics? statistics, DateTimeOffset now)
    {
        var deadFor = statistics?.DeadUntil is { } until && until > now ? until - now : (TimeSpan?)null;
        return new AaaServerRecord
        {
            Name = server.Name,
            Address = server.Address.ToString(),
            AuthPort = server.Tls?.Port ?? server.AuthPort,
            AcctPort = server.Tls?.Port ?? server.AcctPort,
            Transport = server.Tls is null ? "udp" : "tls",
            State = Word(statistics?.Authentication),
            AccountingState = Word(statistics?.Accounting),
            DeadForSeconds = (long?)deadFor?.TotalSeconds,
            Requests = statistics?.Requests ?? 0,
            Accepts = statistics?.Accepts ?? 0,
            Rejects = statistics?.Rejects ?? 0,
            Challenges = statistics?.Challenges ?? 0,
            AccountingResponses = statistics?.AccountingResponses ?? 0,
            Timeouts = statistics?.Timeouts ?? 0,
            Retransmissions = statistics?.Retransmissions ?? 0,
            BadReplies = statistics is null ? 0 : statistics.BadAuthenticators + statistics.MissingMessageAuthenticators + statistics.MalformedReplies,
            Pending = statistics?.Outstanding ?? 0,
            LatencyMilliseconds = statistics?.SmoothedRoundTrip?.TotalMilliseconds,
            SlowestMilliseconds = statistics?.SlowestRoundTrip?.TotalMilliseconds,
            Probes = statistics?.Probes ?? 0,
            ProbesAnswered = statistics?.ProbesAnswered ?? 0,
            Sockets = statistics?.SourcePorts ?? 0,
            ConnectionFailure = statistics?.ConnectionFailure,
        };
    }

    private static string Word(RadiusServerState? state) => state switch
    {
        RadiusServerState.Dead => "dead",
        RadiusServerState.Zombie => "silent",
        _ => "up",
    };

    private static IkeSaRecord ToRecord(IkeSaSnapshot sa) => new()
    {
        LocalSpi = sa.LocalSpi.ToString(),
        RemoteSpi = sa.RemoteSpi.ToString(),
        Encryption = sa.Suite?.Encryption.Keyword,
        Integrity = sa.Suite?.Integrity?.Keyword,
        Prf = sa.Suite?.Prf.Keyword,
        DhGroup = sa.Suite?.KeyExchange.Keyword,
        Nat = sa.NatDetected ? "remote" : "none",
        Capabilities = sa.Capabilities,
    };

    private static ChildSaRecord ToRecord(ChildSaSnapshot child) => new()
    {
        InSpi = child.InboundSpi.ToString("x8"),
        OutSpi = child.OutboundSpi.ToString("x8"),
        Transform = child.Suite.ToString(),
        Mode = child.IsTransportMode ? "transport" : "tunnel",
        LocalSelectors = [.. child.LocalSelectors.Select(s => s.ToString())],
        RemoteSelectors = [.. child.RemoteSelectors.Select(s => s.ToString())],
    };

    private async Task<List<IkeSaSnapshot>> DescribeAsync(CancellationToken cancellation)
    {
        var all = new List<IkeSaSnapshot>();
        foreach (var answer in await Task.WhenAll(shards.Select(s => s.DescribeAsync(cancellation))))
            all.AddRange(answer);
        return all;
    }

    private IkeSaDetailRecord ToDetail(IkeSaSnapshot sa)
    {
        ClientSession? session = null;
        if (sa.Session is { } id)
            table.TryFind(id, out session);
        return new IkeSaDetailRecord
        {
            State = sa.State,
            Story = sa.Waiting,
            SessionId = session?.Names.Number.ToString(),
            Profile = sa.Profile,
            ProfileMatch = sa.ProfileMatch,
            AuthSign = sa.LocalMethod,
            AuthVerify = sa.Method,
            RemoteIdentity = sa.RemoteIdentity,
            EapIdentity = session?.EapIdentity,
            User = sa.User,
            RemoteAddress = sa.Path.Remote.Address.ToString(),
            RemotePort = sa.Path.Remote.Port,
            LocalAddress = sa.Path.Local.Address.ToString(),
            LocalPort = sa.Path.Local.Port,
            AgeSeconds = (long)(clock.Now - sa.CreatedAt).TotalSeconds,
            IkeSa = ToRecord(sa),
            ChildSas = [.. sa.Children.Select(ToRecord)],
        };
    }

    private string StatusOf(ClientSession session)
    {
        var (inbound, outbound) = interfaces.LastTraffic(session);
        var last = inbound > outbound || outbound is null ? inbound : outbound;
        return session.UpAt is null ? SessionStatus.DownNegotiating
            : session.IsAsleep ? SessionStatus.Inactive
            : last is { } at && clock.Now - at < IdleAfter ? SessionStatus.UpActive
            : SessionStatus.UpIdle;
    }

    private SessionRecord ToRecord(ClientSession session, IkeSaSnapshot? sa)
    {
        // The shard told of its IKE SAs before this: one that the session has lost since is none.
        var status = StatusOf(session);
        if (status == SessionStatus.Inactive)
            sa = null;
        var path = sa?.Path ?? session.Path;
        var counters = interfaces.CountersOf(session);
        return new SessionRecord
        {
            Id = session.Names.Number.ToString(),
            Profile = session.Binding.Name,
            ProfileMatch = session.ProfileMatch,
            Status = status,
            User = session.User,
            IkeIdentity = session.IkeIdentity,
            EapIdentity = session.EapIdentity,
            RemoteAddress = path.Remote.Address.ToString(),
            RemotePort = path.Remote.Port,
            LocalAddress = path.Local.Address.ToString(),
            LocalPort = path.Local.Port,
            Interface = session.Handle.IsNone ? null : session.InterfaceName,
            Device = session.Handle.IsNone ? null : session.DeviceName,
            AssignedAddresses = [.. session.ClientAddresses().Select(a => a.ToString())],
            DhcpLease = session.Lease is { Grant: { } grant } lease
                ? new DhcpLeaseRecord(
                    grant.Server.ToString(), lease.Relay.ToString(), lease.Client.ToString(), lease.State.ToString().ToLowerInvariant(), (long?)lease.ExpiresIn?.TotalSeconds)
                : null,
            FramedPrefix = session.FramedPrefix?.ToString(),
            DelegatedPrefix = session.DelegatedPrefix?.ToString(),
            AuditSessionId = session.Names.AuditSessionId,
            AcctSessionId = session.Names.AcctSessionId,
            Groups = [.. session.AuthorizationSources.Where(s => s.Origin.Kind == AuthorizationKind.Group).Select(s => s.Origin.Name)],
            Authentication = session.Method,
            LocalAuthentication = session.LocalMethod,
            LocalIdentity = session.LocalIdentity,
            KeyringEntry = session.KeyEntry,
            UptimeSeconds = session.UpAt is { } since ? (long)(clock.Now - since).TotalSeconds : 0,
            InOctets = counters.InputOctets,
            OutOctets = counters.OutputOctets,
            InPackets = counters.InputPackets,
            OutPackets = counters.OutputPackets,
            Reconnected = session.Reconnected,
            IkeSa = sa is null ? null : ToRecord(sa),
            ChildSas = sa is null ? [] : [.. sa.Children.Select(ToRecord)],
        };
    }
}
