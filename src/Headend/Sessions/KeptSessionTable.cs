using System.Buffers;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Headend.Ikev2;
using Headend.Runtime;
using Headend.Store;

namespace Headend.Sessions;

/// <summary>
/// Keeps the store's picture of every session that its client may come back to. Written when a session comes up or returns, when its client goes silent and when its authorization changes;
/// removed at its end, whatever ends it. Returns at once: <see cref="Forget(ClientSession)"/> has a task for those who must not answer before a session can never come back. Thread-safe.
/// </summary>
/// <param name="store">Null where no profile lets clients come back.</param>
/// <param name="reconnects">Has the tokens.</param>
/// <param name="clock">Relates the wall clock, which a restart survives, to the monotonic one.</param>
internal sealed class KeptSessionTable(SealedStore? store, ReconnectTable reconnects, MonotonicClock clock)
{
    /// <summary>Of its records in the sealed store.</summary>
    public const string Kind = "session";

    /// <summary>Writes the session as it is now, if it is one that is kept.</summary>
    /// <param name="session">Which.</param>
    /// <param name="revokes">What the store has of it so far must not come back, and somebody waits for that.</param>
    /// <returns>
    /// Completes when that is on disk, with false when the disk refused it; with true at once where nothing is written. Where it revokes: with true when no later process can take the session
    /// up as it was before, with false where neither the disk nor the key file allowed that.
    /// </returns>
    public Task<bool> Keep(ClientSession session, bool revokes = false)
    {
        lock (session.Kept.Gate)
        {
            if (session.Kept.Forgotten is { } forgotten)
                return forgotten;
            if (store is null || session.UpAt is null)
                return Task.FromResult(true);
            // A lease of DHCP is renewed by the process that has it; a later one knows nothing of it.
            if (session.Kept.For is null || session.Lease is not null)
            {
                var wasStored = session.Kept.IsStored;
                session.Kept.IsStored = false;
                return wasStored ? store.RemoveAsync(Kind, session.Names.AcctSessionId) : Task.FromResult(true);
            }

            session.Kept.IsStored = true;
            var picture = new Picture(Describe(session));
            return revokes ? store.ReplaceAsync(Kind, session.Names.AcctSessionId, picture) : store.PutAsync(Kind, session.Names.AcctSessionId, picture);
        }
    }

    /// <summary>The session is over.</summary>
    /// <returns>Completes when no later process can take it up again; with false where neither the disk nor the key file allowed that.</returns>
    public Task<bool> Forget(ClientSession session)
    {
        lock (session.Kept.Gate)
            return session.Kept.Forgotten ??= session.Kept.IsStored ? store!.RemoveAsync(Kind, session.Names.AcctSessionId) : Task.FromResult(true);
    }

    /// <summary>A session of an earlier process that does not go on.</summary>
    public void Forget(KeptSession session)
    {
        Zero(session);
        _ = store?.RemoveAsync(Kind, session.Names.AcctSessionId);
    }

    /// <summary>Zeroes the tokens of a record.</summary>
    public static void Zero(KeptSession session)
    {
        foreach (var token in session.Reconnect?.Tokens ?? [])
            CryptographicOperations.ZeroMemory(token.Value);
    }

    private static ImmutableArray<string> TicketsOf(ClientSession session)
    {
        lock (session.Tickets)
            return [.. session.Tickets];
    }

    /// <summary>A session as it was; made into octets off the shard, and not at all where a later one takes its place.</summary>
    private sealed class Picture(KeptSession session) : ISealedContent
    {
        public void Encode(IBufferWriter<byte> output) => KeptSessionCodec.Encode(session, output);

        public void Zero() => KeptSessionTable.Zero(session);
    }

    private KeptSession Describe(ClientSession session)
    {
        var now = clock.Now;
        var wall = clock.Time.GetUtcNow();
        var (_, sleeps, returns) = session.Standing;
        var waits = sleeps ?? returns;
        var accounting = session.Accounting;
        return new KeptSession
        {
            Names = session.Names,
            Aliases = session.Aliases,
            Profile = session.Binding.Name,
            IdentityType = session.RemoteIdentity.Type.Value,
            Identity = session.RemoteIdentity.Value.ToArray(),
            Login = session.DescribeLogin(),
            Local = session.Path.Local,
            Remote = session.Path.Remote,
            NonEspMarker = session.Path.NonEspMarker,
            AddressAtLogin = session.AddressAtLogin,
            Sources = session.AuthorizationSources,
            Authorization = session.Profile,
            Filters = ReferenceEquals(session.FilterProfile, session.Profile) ? null : session.FilterProfile,
            AuthorizedBy = session.AuthorizedBy?.Options.Name,
            Addresses = session.Addresses ?? new AssignedAddresses(null, null, null, 0),
            FramedPrefix = session.FramedPrefix,
            DelegatedPrefix = session.DelegatedPrefix,
            Leases = session.LeasedNetworks,
            NatAddresses = session.NatAddresses,
            Subnets = [.. session.Subnets],
            Encapsulation = session.Encapsulation,
            Grant = waits?.Grant ?? session.Kept.Grant,
            AsOf = wall,
            UpAt = wall + (session.UpAt!.Value - now),
            SilentSince = ToWall(waits?.Since),
            ExpiresAt = ToWall(waits is null ? session.Kept.ExpiresAt : waits.ExpiresAt),
            IdleAt = ToWall(waits?.IdleAt),
            KeptFor = session.Kept.For!.Value,
            AccountingList = accounting?.List,
            InterimInterval = accounting?.InterimInterval,
            Reconnect = reconnects.Describe(session),
            Tickets = TicketsOf(session),
        };

        DateTimeOffset? ToWall(MonotonicTime? at) => at is { } time ? wall + (time - now) : null;
    }
}

/// <summary>What a session knows of being kept. Any thread: while it moves, the shards that it leaves and comes to may both have a change for it.</summary>
internal sealed class SessionKeeping
{
    // As the login brought it; an order to authenticate anew changes it in Grant until Session-Timeout is changed.
    private bool reauthenticates;

    /// <summary>Held while the store is told, so that it is told in order.</summary>
    public Lock Gate { get; } = new();

    /// <summary>How long it is kept while its client is silent; null: not at all. Set when it comes up.</summary>
    public TimeSpan? For
    {
        get
        {
            lock (Gate)
                return field;
        }

        set
        {
            lock (Gate)
                field = value;
        }
    }

    /// <summary>As IKE has it while the session has an IKE SA; meaningless while it sleeps.</summary>
    public SessionGrant Grant { get; set; } = SessionGrant.Empty;

    /// <summary>When Session-Timeout ends it while it has an IKE SA; null for never. Likewise.</summary>
    public MonotonicTime? ExpiresAt
    {
        get
        {
            lock (Gate)
                return field;
        }

        set
        {
            lock (Gate)
                field = value;
        }
    }

    /// <summary>A login has brought the session up, new or again.</summary>
    public void Begin(TimeSpan? keptFor, SessionGrant grant, MonotonicTime now)
    {
        lock (Gate)
        {
            For = keptFor;
            Grant = grant;
            reauthenticates = grant.ReauthenticateAtTimeout;
            ExpiresAt = grant.SessionTimeout is { Ticks: > 0 } limit ? now + limit : null;
        }
    }

    /// <summary>IKE's limits are changed: each that is given starts anew, zero takes it away.</summary>
    public void Change(ChangeTimeoutsCommand change, MonotonicTime now)
    {
        lock (Gate)
        {
            if (change.SessionTimeout is { } limit)
            {
                Grant = Grant with { SessionTimeout = limit > TimeSpan.Zero ? limit : null, ReauthenticateAtTimeout = reauthenticates };
                ExpiresAt = limit > TimeSpan.Zero ? now + limit : null;
            }

            if (change.IdleTimeout is { } quiet)
                Grant = Grant with { IdleTimeout = quiet > TimeSpan.Zero ? quiet : null };
        }
    }

    /// <summary>The client is to authenticate anew, or its session ends.</summary>
    public void Change(ReauthenticateCommand ask, MonotonicTime now)
    {
        lock (Gate)
        {
            var limit = now + ask.Within;
            Grant = Grant with { ReauthenticateAtTimeout = true };
            if (!(ExpiresAt <= limit))
                ExpiresAt = limit;
        }
    }

    /// <summary>The store has it, or has been told to.</summary>
    public bool IsStored { get; set; }

    /// <summary>Not null once it was removed.</summary>
    public Task<bool>? Forgotten { get; set; }
}
