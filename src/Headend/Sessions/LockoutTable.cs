using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Headend.Configuration;

namespace Headend.Sessions;

/// <summary>Where a local user or a source stands with wrong passwords.</summary>
/// <param name="Failures">Counted in the window that runs; 0 while locked out.</param>
/// <param name="LockedUntil">End of the lockout; null when there is none.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LockoutState(int Failures, DateTimeOffset? LockedUntil);

/// <summary>
/// Wrong passwords of local users, counted by user and by source. What is locked out answers like a wrong password, whatever the password is. Attempts during a lockout
/// neither count nor prolong it. Any thread.
/// </summary>
internal sealed class LockoutTable(LockoutOptions options, TimeProvider time)
{
    /// <summary>Sources counted at once; beyond it counts below the limit are forgotten, lockouts never.</summary>
    internal const int MaxSources = 10_000;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Count> users = new(StringComparer.Ordinal);
    private readonly Dictionary<IPAddress, Count> sources = [];

    /// <summary>Why no password of this user from this source is looked at now; null when it is.</summary>
    public string? Explain(string user, IPAddress source)
    {
        lock (gate)
        {
            if (Left(users, user) is { } userLeft)
                return $"{user} is locked out for {Minutes(userLeft)} more after {options.Failures} wrong passwords";
            return Left(sources, SourceOf(source)) is { } left ? $"{SourceOf(source)} is locked out for {Minutes(left)} more after {options.SourceFailures} wrong passwords" : null;
        }
    }

    /// <summary>Counts a wrong password. The result is what is locked out from now on by it, for the log; null for nothing.</summary>
    /// <param name="user">Null for a name that no user has: names of strangers take no memory.</param>
    /// <param name="source">The client's address.</param>
    public string? Failed(string? user, IPAddress source)
    {
        lock (gate)
        {
            if ((user is not null && Left(users, user) is not null) || Left(sources, SourceOf(source)) is not null)
                return null;
            var locked = user is not null && Add(users, user, options.Failures) ? $"user {user}" : null;
            if (sources.Count >= MaxSources && !sources.ContainsKey(SourceOf(source)))
                Forget();
            return Add(sources, SourceOf(source), options.SourceFailures) ? $"source {SourceOf(source)}" : locked;
        }
    }

    /// <summary>A right password forgets the user's wrong ones. The source's stay: an account of one's own must not buy guesses at those of others.</summary>
    public void Proven(string user)
    {
        lock (gate)
            users.Remove(user);
    }

    /// <summary>Ends a user's lockout and forgets the count; false when there was neither.</summary>
    public bool Clear(string user)
    {
        lock (gate)
            return users.Remove(user);
    }

    public LockoutState StateOf(string user)
    {
        lock (gate)
        {
            if (!users.TryGetValue(user, out var count))
                return default;
            var now = time.GetUtcNow();
            if (count.LockedUntil is { } until)
                return until > now ? new LockoutState(0, until) : default;
            return now - count.First <= options.Window ? new LockoutState(count.Failures, null) : default;
        }
    }

    /// <summary>The users with a count or a lockout, by name.</summary>
    public IReadOnlyList<(string User, LockoutState State)> All()
    {
        string[] names;
        lock (gate)
            names = [.. users.Keys];
        return [.. names.Order(StringComparer.Ordinal).Select(n => (n, StateOf(n))).Where(u => u.Item2 != default)];
    }

    private static IPAddress SourceOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address;
        // One site has a /64 at least, and every address in it.
        var octets = address.GetAddressBytes();
        octets.AsSpan(8).Clear();
        return new IPAddress(octets);
    }

    private static string Minutes(TimeSpan left) => left > TimeSpan.FromMinutes(2) ? $"{Math.Ceiling(left.TotalMinutes)} minutes" : $"{Math.Ceiling(left.TotalSeconds)} s";

    private TimeSpan? Left<T>(Dictionary<T, Count> counts, T key)
        where T : notnull
    {
        if (!counts.TryGetValue(key, out var count) || count.LockedUntil is not { } until)
            return null;
        var left = until - time.GetUtcNow();
        if (left > TimeSpan.Zero)
            return left;
        counts.Remove(key);
        return null;
    }

    private bool Add<T>(Dictionary<T, Count> counts, T key, int limit)
        where T : notnull
    {
        if (limit == 0)
            return false;
        var now = time.GetUtcNow();
        var count = counts.TryGetValue(key, out var running) && now - running.First <= options.Window ? running : new Count(0, now, null);
        count = count with { Failures = count.Failures + 1 };
        var locks = count.Failures >= limit;
        counts[key] = locks ? new Count(0, now, now + options.Duration) : count;
        return locks;
    }

    private void Forget()
    {
        var now = time.GetUtcNow();
        foreach (var (source, count) in sources)
        {
            if (count.LockedUntil is not { } until || until <= now)
                sources.Remove(source);
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Count(int Failures, DateTimeOffset First, DateTimeOffset? LockedUntil);
}
