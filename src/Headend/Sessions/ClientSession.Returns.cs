using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>What a session is while its client is silent, and how it moves to the login that brings the client back.</summary>
internal sealed partial class ClientSession
{
    /// <summary>Nobody asks for the names of a login that long ago.</summary>
    private const int MostAliases = 4;

    private SessionInactivity? inactivity;
    private SessionInactivity? returning;
    private ClientSession? successor;
    private bool installing;
    private bool endOrdered;
    private ImmutableArray<SessionNames> aliases = [];
    private int claims;

    /// <summary>The client came back without a login: by session-id and token, or by ticket.</summary>
    public bool Reconnected { get; set; }

    /// <summary>How it proved itself otherwise than by a token last; null before.</summary>
    public string? MethodBefore { get; private set; }

    /// <summary>The kernel's thread is to make its interface and its SAs.</summary>
    public bool IsInstalling
    {
        get => Volatile.Read(ref installing);
        set => Volatile.Write(ref installing, value);
    }

    /// <summary>A login is about to take it over, and has its IKE SA put aside. Any thread.</summary>
    public bool IsClaimed => Volatile.Read(ref claims) > 0;

    /// <summary>Somebody has ordered its end for good: it sleeps no more, whatever becomes of a login that is taking it over. Any thread.</summary>
    public bool IsEndOrdered => Volatile.Read(ref endOrdered);

    /// <summary>Names of the logins that have taken it over last, of which AAA heard. Any thread.</summary>
    public ImmutableArray<SessionNames> Aliases
    {
        get
        {
            lock (gate)
                return aliases;
        }
    }

    /// <summary>By which the reconnect table knows it; that table's.</summary>
    public string? ReconnectHash { get; set; }

    /// <summary>Hashes of the tickets that are out for it, the oldest first; the ticket table's, under a lock of the list.</summary>
    public List<string> Tickets { get; } = [];

    /// <summary>INITIAL_CONTACT stood in the login.</summary>
    public bool InitialContact { get; private set; }

    /// <summary>What waits for the client; null while the session has an IKE SA, and after its end. Any thread.</summary>
    public SessionInactivity? Inactivity
    {
        get
        {
            lock (gate)
                return inactivity;
        }
    }

    /// <summary>A login has taken the session over and has not come up yet: what it goes back to. Any thread.</summary>
    public SessionInactivity? Returning
    {
        get
        {
            lock (gate)
                return returning;
        }
    }

    /// <summary>Where it lives and what it waits with or goes back to, as of one moment; at most one of the two, and of a session that is over neither. Any thread.</summary>
    public (SessionHome Home, SessionInactivity? Inactivity, SessionInactivity? Returning) Standing
    {
        get
        {
            lock (gate)
                return closed ? (Home, null, null) : (Home, inactivity, returning);
        }
    }

    /// <summary>Its client is silent, or on the way back. Any thread.</summary>
    public bool IsAsleep
    {
        get
        {
            lock (gate)
                return (inactivity ?? returning) is not null;
        }
    }

    /// <summary>Ends it for a reason that could also be the login's that is just taking it over. Any thread.</summary>
    public void OrderEnd(SessionEndReason reason, string detail)
    {
        Volatile.Write(ref endOrdered, true);
        var home = Home;
        home.Shard.Post(new EndSessionCommand(home.Id, reason, detail));
    }

    /// <summary>AAA knows it by these, too. Answers the names that make room for them; null for none. Any thread.</summary>
    public SessionNames? AddAlias(SessionNames names)
    {
        lock (gate)
        {
            var oldest = aliases.Length < MostAliases ? null : aliases[0];
            aliases = [.. aliases.TakeLast(MostAliases - 1), names];
            return oldest;
        }
    }

    /// <summary>From here until <see cref="EndClaim"/> it <see cref="IsClaimed"/>.</summary>
    public void BeginClaim() => Interlocked.Increment(ref claims);

    public void EndClaim() => Interlocked.Decrement(ref claims);

    /// <summary>The client went silent. False when the session is over. Any thread.</summary>
    public bool TryWait(SessionInactivity waits)
    {
        lock (gate)
        {
            if (closed)
                return false;
            inactivity?.Dispose();
            (inactivity, returning) = (waits, null);
            return true;
        }
    }

    /// <summary>The login that had taken it over is over: it waits again with what it goes back to, as changed meanwhile. False when there is nothing to go back to. Any thread.</summary>
    /// <param name="before">What it went back to.</param>
    /// <param name="again">What it waits with from here on.</param>
    public bool TryWaitAgain([NotNullWhen(true)] out SessionInactivity? before, [NotNullWhen(true)] out SessionInactivity? again)
    {
        lock (gate)
        {
            (before, again) = (returning, null);
            if (closed || before is null)
                return false;
            again = new SessionInactivity(before) { IsPassing = false, IsTotalChanged = false, IsIdleChanged = false, ReauthenticateBy = null };
            (inactivity, returning) = (again, null);
            return true;
        }
    }

    /// <summary>Other limits for a session that waits. False when it does not wait as expected any more. Any thread.</summary>
    public bool TryChangeWait(SessionInactivity expected, SessionInactivity changed)
    {
        lock (gate)
        {
            if (inactivity != expected)
                return false;
            expected.Dispose();
            inactivity = changed;
            return true;
        }
    }

    /// <summary>Other limits for a session that a login is taking over: they count when it comes up, and when it does not. False when it is not returning as expected any more. Any thread.</summary>
    public bool TryChangeReturning(SessionInactivity expected, SessionInactivity changed)
    {
        lock (gate)
        {
            if (closed || returning != expected)
                return false;
            returning = changed;
            return true;
        }
    }

    /// <summary>
    /// Hands the waiting session to another login: from here on it lives on that one's shard, and an end of that login finds it. Of several logins one gets it, and none that is over. Any thread.
    /// </summary>
    /// <param name="login">The other one.</param>
    /// <param name="former">Its id so far.</param>
    /// <param name="waits">What it waited with.</param>
    public bool TryReturn(ClientSession login, out SessionId former, [NotNullWhen(true)] out SessionInactivity? waits)
    {
        lock (gate)
        {
            former = Home.Id;
            waits = inactivity;
            // In one step with the move: an end that has followed the session to the login's shard must not end the login alone. The gate of what waits comes before that of a login;
            // nothing is both, for a login is not up before this is over.
            if (closed || waits is null || !login.TryHandOver(this))
                return false;
            waits.Dispose();
            (returning, inactivity) = (waits, null);
            Home = login.Home;
            Trace = login.Trace;
            StartedAt = login.StartedAt;
            return true;
        }
    }

    /// <summary>The session that has taken this login's place, or itself. Any thread.</summary>
    public ClientSession Current
    {
        get
        {
            lock (gate)
                return successor ?? this;
        }
    }

    /// <summary>The login that took the session over is up.</summary>
    public void CompleteReturn()
    {
        lock (gate)
            returning = null;
    }

    // False when this login is over.
    private bool TryHandOver(ClientSession to)
    {
        lock (gate)
        {
            if (closed)
                return false;
            successor = to;
            return true;
        }
    }

    /// <summary>Ends a session that waits; once. Any thread.</summary>
    /// <param name="expected">Null for whatever it waits for.</param>
    public bool TryEndWait(SessionInactivity? expected)
    {
        lock (gate)
        {
            if (closed || inactivity is null || (expected is not null && inactivity != expected))
                return false;
            inactivity.Dispose();
            inactivity = null;
            closed = true;
            return true;
        }
    }
}
