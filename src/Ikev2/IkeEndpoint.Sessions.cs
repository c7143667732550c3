using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Headend.Ikev2.Endpoint;
using Headend.Ikev2.Exchanges;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2;

/// <summary>Life and death of IKE SAs and sessions.</summary>
public sealed partial class IkeEndpoint
{
    /// <summary>How long a rekeyed IKE SA may wait for the Delete of whoever rekeyed it.</summary>
    private static readonly TimeSpan LingerTime = TimeSpan.FromSeconds(30);

    /// <summary>An IKE SA that could not be rekeyed ends this much later than the rekey was due.</summary>
    private const double HardLifetimeFactor = 1.25;

    /// <summary>Every IKE SA as show prints it.</summary>
    public IReadOnlyList<IkeSaSnapshot> Describe() => [.. Table.All.Select(SaDescription.Describe)];

    /// <summary>When the session's client was last heard in IKE; false when there is no such session, or it is not up.</summary>
    public bool TryGetLastHeard(SessionId id, out MonotonicTime heard)
    {
        var known = Table.TryFind(id, out var session) && session.Up;
        heard = known ? session!.Current.LastHeard : default;
        return known;
    }

    /// <summary>The IKE SA of an IKE_SA_INIT or IKE_SESSION_RESUME request that was admitted.</summary>
    internal IkeSa OpenHalf(IkeSpi remoteSpi, IkePath path)
    {
        var sa = new IkeSa(this, NewIkeSpi(), remoteSpi, weAreInitiator: false, path, Now);
        _current = sa;
        Table.AddHalfOpen(sa, path.Remote);
        Admission.Opened(path.Remote.Address, Now);
        Timers.Set(sa, IkeTimer.Handshake, Now + Options.HandshakeTimeout);
        return sa;
    }

    /// <summary>An IKE SA that a rekey makes; it speaks for the session once <see cref="MoveSession"/> says so.</summary>
    internal IkeSa OpenRekeyed(IkeSa old, IkeSpi localSpi, IkeSpi remoteSpi, bool weAreInitiator)
    {
        var sa = new IkeSa(this, localSpi, remoteSpi, weAreInitiator, old.Path, Now) { Peer = old.Peer, Session = old.Session };
        Table.Add(sa);
        Timers.Set(sa, IkeTimer.Linger, Now + LingerTime + LingerTime);
        return sa;
    }

    /// <summary>The first IKE_AUTH request found its profile: from here on the outside knows of the login, and learns its end exactly once.</summary>
    internal IkeSession BeginLogin(IkeSa sa, IkeProfile profile, IkeIdentity identity)
    {
        var id = new SessionId(((ulong)Options.Shard << 56) | (++_sessions & 0x00ff_ffff_ffff_ffff));
        var login = new LoginRecord
        {
            Session = id,
            Profile = profile,
            RemoteIdentity = identity,
            Path = sa.Path,
            ProvenSource = sa.ProvenSource,
            StartedAt = sa.CreatedAt,
            Suite = sa.Suite,
            NatDetected = sa.Peer.NatDetected,
        };
        var session = new IkeSession(login, sa);
        sa.Session = session;
        Table.Add(session);
        return session;
    }

    /// <summary>Every promise holds and the client gets its answer next: the session is up.</summary>
    internal void Establish(IkeSa sa, IkeSession session, ChildSaParameters first)
    {
        LeaveHalfOpen(sa);
        sa.Enter(new IkeSaState.Established());
        session.Up = true;
        Table.MarkUp();
        session.UpAt = Now;
        if (session.Grant.SessionTimeout is { Ticks: > 0 } timeout)
            session.ExpiresAt = Now + timeout;
        ArmIkeLifetime(sa);
        ArmSession(sa);
        ChildLifetime.Arm(sa);
        Emit(new SessionUpEffect(session.Login, session.Grant, session.Addresses!, first) { Reconnect = session.Offer, KeptFor = session.KeptFor(Now) });
        session.Offer = null;
    }

    /// <summary>The session goes on with another IKE SA; the old one waits for its Delete.</summary>
    internal void MoveSession(IkeSa old, IkeSa made)
    {
        var session = old.Session!;
        old.AbortRequest();
        session.Current = made;
        made.Session = session;
        session.Login.Suite = made.Suite;
        IkeTimers.Clear(made, IkeTimer.Linger);
        Linger(old);
        ArmIkeLifetime(made);
        ArmSession(made);
        ChildLifetime.Arm(made);
        old.MoveQueueTo(made);
    }

    /// <summary>This IKE SA speaks for no session any more; the peer deletes it, or we do when it does not.</summary>
    internal void Linger(IkeSa sa)
    {
        // A request that it was working on would find no session when its effect completes.
        sa.AbortRequest();
        foreach (var timer in (ReadOnlySpan<IkeTimer>)[IkeTimer.IkeRekey, IkeTimer.IkeExpiry, IkeTimer.Liveness, IkeTimer.ChildLifetime, IkeTimer.SessionTimeout, IkeTimer.IdleTimeout, IkeTimer.NatKeepalive])
            IkeTimers.Clear(sa, timer);
        if (sa.Session is { } session)
        {
            sa.Former = session;
            session.Retired++;
        }

        sa.Session = null;
        sa.Enter(new IkeSaState.Rekeyed());
        Timers.Set(sa, IkeTimer.Linger, Now + LingerTime);
    }

    /// <summary>
    /// Ends the session that this IKE SA speaks for, if it does, and the IKE SA: with a Delete exchange, or at once.
    /// The one place from which SessionDown and SessionInactive come.
    /// </summary>
    internal void End(IkeSa sa, SessionEndReason reason, string detail, bool sendDelete)
    {
        if (sa.Closed)
            return;
        EndSession(sa, reason, detail);
        if (sa.PeerRekey is { } crossed)
        {
            sa.PeerRekey = null;
            Drop(crossed.New);
        }

        if (!sendDelete || sa.Phase < IkeSaPhase.Established)
        {
            Drop(sa);
            return;
        }

        LeaveHalfOpen(sa);
        if (sa.Phase != IkeSaPhase.Deleting)
            sa.BeginDelete();
        else
            sa.ResumeDelete();
    }

    /// <summary>Forgets an IKE SA and zeroes its keys. A session that it still speaks for ends with it: nothing could end that one later.</summary>
    internal void Drop(IkeSa sa)
    {
        if (sa.Closed)
            return;
        EndSession(sa, SessionEndReason.ProtocolError, "its IKE SA was deleted");
        LeaveHalfOpen(sa);
        Table.Remove(sa);
        sa.Close();
        Timers.Forget(sa);
        if (sa.Former is { } former)
            former.Retired--;
    }

    /// <summary>One for all profiles, so that it does not tell which one an identity has.</summary>
    internal TimeSpan PskRefusalDelay => _profiles.Count == 0 ? TimeSpan.Zero : _profiles.Max(p => p.PskRefusalDelay);

    internal bool TrySelectProfile(PeerClaim claim, [NotNullWhen(true)] out ProfileSelection? selection, out string complaint) =>
        ProfileSelection.TrySelect(_profiles, claim, out selection, out complaint);

    /// <summary>The profile of that name, if it still lets clients come back.</summary>
    internal IkeProfile? FindReconnectProfile(string name) => _profiles.FirstOrDefault(p => p.Reconnect is not null && p.Credential is not null && p.Name == name);

    /// <summary>The profile of that name, if it still lets clients resume by ticket.</summary>
    internal IkeProfile? FindResumptionProfile(string name) => _profiles.FirstOrDefault(p => p.Resumption is not null && p.Name == name);

    /// <summary>Any profile gives tickets.</summary>
    internal bool ServesTickets => _profiles.Any(p => p.Resumption is not null);

    /// <summary>Any profile lets clients come back by session-id and token.</summary>
    internal bool ServesReconnect => _profiles.Any(p => p.Reconnect is not null);

    internal static void RekeyIke(IkeSa sa)
    {
        if (sa.Phase == IkeSaPhase.Established && !sa.HasQueued<RekeyIkeExchange>())
            sa.Enqueue(new RekeyIkeExchange());
    }

    /// <summary>Random, not in use, and of this shard.</summary>
    internal IkeSpi NewIkeSpi()
    {
        Span<byte> octets = stackalloc byte[8];
        while (true)
        {
            Crypto.Fill(octets);
            var spi = new IkeSpi(BinaryPrimitives.ReadUInt64BigEndian(octets));
            if (!spi.IsZero && DatagramClassifier.ShardOf(spi, Options.ShardCount) == Options.Shard && !Table.TryFind(spi, out _))
                return spi;
        }
    }

    /// <summary>Counts up from a random start in steps that no other shard takes: unique without a table. RFC 4303 2.1 reserves 0 to 255.</summary>
    internal uint NewEspSpi()
    {
        uint spi;
        do
        {
            _espSpis++;
            spi = unchecked((_espSpis * (uint)Options.ShardCount) + (uint)Options.Shard);
        }
        while (spi < 256);
        return spi;
    }

    /// <summary>Up to 10 % earlier, so that sessions made together do not rekey together.</summary>
    internal TimeSpan Jitter(TimeSpan lifetime)
    {
        Span<byte> random = stackalloc byte[2];
        Crypto.Fill(random);
        return lifetime * (1 - (0.1 * BinaryPrimitives.ReadUInt16LittleEndian(random) / ushort.MaxValue));
    }

    private void OnTimer(IkeSa sa, IkeTimer timer)
    {
        switch (timer)
        {
            case IkeTimer.Handshake:
                OnHandshakeTimeout(sa);
                break;
            case IkeTimer.Retransmit:
                sa.OnRetransmitTimer();
                break;
            case IkeTimer.Liveness:
                LivenessExchange.OnTimer(sa);
                break;
            case IkeTimer.IkeRekey:
                RekeyIke(sa);
                break;
            case IkeTimer.IkeExpiry:
                OnIkeExpiry(sa);
                break;
            case IkeTimer.ChildLifetime:
                ChildLifetime.OnTimer(sa);
                break;
            case IkeTimer.SessionTimeout:
                End(sa, SessionEndReason.SessionTimeout, sa.Session!.ExpiryDetail, sendDelete: true);
                break;
            case IkeTimer.IdleTimeout:
                IdleTimeout.OnTimer(sa);
                break;
            case IkeTimer.NatKeepalive:
                NatKeepalive.OnTimer(sa);
                break;
            case IkeTimer.Refusal:
                sa.CompletePostponed();
                break;
            case IkeTimer.Linger:
                sa.Enqueue(new DeleteExchange(null));
                break;
        }
    }

    // A client that leaves a request of ours unanswered did not refuse the rekey: it is silent, and its session may be one that is kept.
    private void OnIkeExpiry(IkeSa sa)
    {
        if (sa is { Phase: IkeSaPhase.Established, ActiveLocal: { Sent: true, Answered: false } unanswered })
            End(sa, SessionEndReason.PeerUnreachable, $"no answer to {unanswered.Type} when the IKE SA's lifetime ran out", sendDelete: false);
        else
            End(sa, SessionEndReason.LifetimeExpired, "the IKE SA's lifetime ran out and it could not be rekeyed", sendDelete: true);
    }

    private void EndSession(IkeSa sa, SessionEndReason reason, string detail)
    {
        if (sa.Session is not { Ended: false } session || session.Current != sa)
            return;
        session.Ended = true;
        Table.Remove(session);
        if (reason == SessionEndReason.PeerUnreachable && session.Up && !session.EndsForGood && !_shuttingDown && session.KeptFor(Now) is { } time)
        {
            foreach (var child in session.Children)
                Emit(new RemoveChildSaEffect(session.Id, child.InboundSpi, child.OutboundSpi));
            Emit(new SessionInactiveEffect(session.Login, session.Grant, session.ExpiresAt, time, detail));
        }
        else
        {
            Emit(new SessionDownEffect(session.Login, reason, detail, session.Up));
        }

        session.Children.Clear();
    }

    private void OnHandshakeTimeout(IkeSa sa)
    {
        if (sa.Window.InProgress)
        {
            FailOperation(sa, "a step of the login that the headend was to do never completed");
            return;
        }

        var failure = sa.Phase == IkeSaPhase.ExpectEapResponse ? IkeFailure.EapTimedOut : IkeFailure.HandshakeTimedOut;
        var detail = EapAuthentication.TimeoutDetail(sa);
        Observer.Failed(failure, sa.Session?.Id, sa.Path, detail);
        End(sa, IkeFailureTable.Of(failure).EndReason, detail, sendDelete: false);
    }

    private void ArmIkeLifetime(IkeSa sa)
    {
        // Windows rekeys by itself; we come only when it did not.
        var lifetime = sa.Session!.Profile.IkeLifetime;
        var soft = sa.Peer.IsWindows ? lifetime * HardLifetimeFactor : Jitter(lifetime);
        Timers.Set(sa, IkeTimer.IkeRekey, Now + soft);
        Timers.Set(sa, IkeTimer.IkeExpiry, Now + (soft * HardLifetimeFactor));
    }

    private void ArmSession(IkeSa sa)
    {
        var session = sa.Session!;
        if (session.Profile.DpdInterval > TimeSpan.Zero)
            Timers.Set(sa, IkeTimer.Liveness, Now + session.Profile.QuietTime);
        if (session.ExpiresAt is { } expiresAt)
            Timers.Set(sa, IkeTimer.SessionTimeout, expiresAt);
        if (session.Grant.IdleTimeout is { Ticks: > 0 } idle)
            Timers.Set(sa, IkeTimer.IdleTimeout, Now + idle);
        NatKeepalive.Arm(sa);
    }

    /// <summary>RFC 2865 5.27: seconds of service "to be provided to the user": counted from when they were granted.</summary>
    private void ChangeTimeouts(IkeSession session, TimeSpan? sessionTimeout, TimeSpan? idleTimeout)
    {
        var grant = session.Grant;
        session.Grant = grant with { SessionTimeout = Changed(grant.SessionTimeout, sessionTimeout), IdleTimeout = Changed(grant.IdleTimeout, idleTimeout) };
        var sa = session.Current;
        if (sessionTimeout is not null)
        {
            session.ExpiresAt = session.Grant.SessionTimeout is { } limit ? Now + limit : null;
            session.ReauthenticationAsked = false;
            IkeTimers.Clear(sa, IkeTimer.SessionTimeout);
        }

        if (idleTimeout is not null)
            IkeTimers.Clear(sa, IkeTimer.IdleTimeout);
        if (session.Up)
            ArmSession(sa);

        static TimeSpan? Changed(TimeSpan? standing, TimeSpan? asked) => asked is null ? standing : asked > TimeSpan.Zero ? asked : null;
    }

    private void LeaveHalfOpen(IkeSa sa)
    {
        IkeTimers.Clear(sa, IkeTimer.Handshake);
        if (Table.LeaveHalfOpen(sa, out var source))
            Admission.Closed(source, Now);
    }

    private void Shutdown(SessionEndReason reason)
    {
        _shuttingDown = true;
        foreach (var sa in Table.All.ToArray())
        {
            if (sa.Session is null || sa.Session.Current == sa)
                End(sa, reason, "the headend shuts down", sendDelete: true);
        }
    }
}
