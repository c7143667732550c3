using System.Net;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Endpoint;
using Headend.Ikev2.Exchanges;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2;

/// <summary>
/// One shard of the IKEv2 responder, sans-IO: datagrams, completions, commands and time go in, effects come out. Single-threaded and without locks: one thread
/// owns an endpoint and everything reachable from it. Call order: any Handle or Advance, then <see cref="TryTake"/> until it is empty, then sleep until
/// <see cref="NextDeadline"/> or the next input.
/// </summary>
public sealed partial class IkeEndpoint
{
    private readonly Queue<IkeEffect> _effects = new();
    private readonly Dictionary<OperationId, PendingOperation> _pending = [];
    private IReadOnlyList<IkeProfile> _profiles = [];
    private ulong _operations;
    private ulong _sessions;
    private uint _espSpis;
    private bool _shuttingDown;
    private IkeSa? _current;

    public IkeEndpoint(IkeEndpointOptions options, ICryptoProvider crypto, IIkeObserver observer)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(crypto);
        if (options.ShardCount < 1 || options.Shard < 0 || options.Shard >= options.ShardCount)
            throw new ArgumentException($"shard {options.Shard} of {options.ShardCount}", nameof(options));
        Options = options;
        Crypto = crypto;
        Observer = observer;
        Admission = new AdmissionControl(options, crypto);
        UseProfiles(options.Profiles);
        Span<byte> seed = stackalloc byte[12];
        crypto.Fill(seed);
        _espSpis = BitConverter.ToUInt32(seed);
        _sessions = BitConverter.ToUInt64(seed[4..]) >> 16;
    }

    internal IkeEndpointOptions Options { get; }

    internal ICryptoProvider Crypto { get; }

    internal IIkeObserver Observer { get; }

    internal AdmissionControl Admission { get; }

    internal IkeTimers Timers { get; } = new();

    internal SaTable Table { get; } = new();

    /// <summary>What IKE_SA_INIT may choose: identities are not known yet, so the proposals of all profiles.</summary>
    internal IReadOnlyList<IkeProposal> IkeProposals { get; private set; } = [];

    /// <summary>The CERTREQ of IKE_SA_INIT, where some profile takes certificates.</summary>
    internal IReadOnlyList<IkePayload> CertificateRequests { get; private set; } = [];

    /// <summary>MULTIPLE_AUTH_SUPPORTED is announced.</summary>
    internal bool OffersSecondAuthentication { get; private set; }

    /// <summary>The time of the current turn.</summary>
    internal MonotonicTime Now { get; private set; }

    /// <summary>The earliest timer; null when there is none.</summary>
    public MonotonicTime? NextDeadline => Timers.Next;

    public IkeEndpointCounts Counts => new(Table.Count, Admission.HalfOpen, Table.Established, Table.ChildSas, Admission.CookieDemanded);

    /// <summary>
    /// Which shard a message belongs to: for IKE_SA_INIT requests by the peer's address and SPI, afterwards by our own SPI.
    /// Messages too short for a header go to shard 0, which counts them.
    /// </summary>
    public static int ShardOf(ReadOnlySpan<byte> message, IPEndPoint remote, int shardCount) => DatagramClassifier.ShardOf(message, remote, shardCount);

    /// <summary>What counts as one source in limits: an IPv4 address, or an IPv6 /64, in which every host picks addresses at will.</summary>
    public static IPAddress SourceOf(IPEndPoint remote)
    {
        ArgumentNullException.ThrowIfNull(remote);
        return SourceOf(remote.Address);
    }

    /// <inheritdoc cref="SourceOf(IPEndPoint)"/>
    public static IPAddress SourceOf(IPAddress remote) => AdmissionControl.Site(remote);

    public void Handle(in IkeDatagram datagram, MonotonicTime now)
    {
        Turn(now, null);
        if (!IkeHeader.TryRead(datagram.Octets.Span, out var header, out var error))
        {
            Observer.Discarded(DiscardReason.Malformed, datagram.Path, error.ToString());
            return;
        }

        if (header.MajorVersion != 2)
        {
            HandleVersion(header, datagram);
            return;
        }

        if (IsInitial(header.ExchangeType))
        {
            HandleInit(header, datagram);
            return;
        }

        // The initiator flag tells whose SPI stands where (RFC 7296 3.1).
        var ours = header.IsFromInitiator ? header.ResponderSpi : header.InitiatorSpi;
        var theirs = header.IsFromInitiator ? header.InitiatorSpi : header.ResponderSpi;
        if (!Table.TryFind(ours, out var sa) || sa.RemoteSpi != theirs || sa.WeAreInitiator == header.IsFromInitiator || sa.Phase == IkeSaPhase.KeyExchange)
        {
            Observer.Discarded(DiscardReason.UnknownSpi, datagram.Path, $"{header.ExchangeType} for {ours}");
            return;
        }

        _current = sa;
        sa.Handle(header, datagram);
    }

    /// <summary>
    /// An IKE_SA_INIT or IKE_SESSION_RESUME request that the host would rather let wait. A sender that has not proven its address gets the COOKIE notify (RFC 7296 2.6), whatever else would be
    /// answered later; a retransmission that belongs to a half-open SA is handled as ever.
    /// </summary>
    /// <returns>True when the message brings a good cookie, so that it may wait for <see cref="Handle(in IkeDatagram, MonotonicTime)"/>.</returns>
    public bool HandleAtDoor(in IkeDatagram datagram, MonotonicTime now)
    {
        Turn(now, null);
        if (!IkeHeader.TryRead(datagram.Octets.Span, out var header, out _)
            || header.MajorVersion != 2
            || !IsInitial(header.ExchangeType)
            || !IsInitialRequest(header)
            || _shuttingDown
            || Table.TryFindHalfOpen(datagram.Path.Remote, header.InitiatorSpi, out _))
        {
            Handle(datagram, now);
            return false;
        }

        return InitialAdmission.HandleAtDoor(this, header, datagram);
    }

    public void Handle(IkeCompletion completion, MonotonicTime now)
    {
        ArgumentNullException.ThrowIfNull(completion);
        if (!_pending.Remove(completion.Id, out var pending))
            return;
        Turn(now, pending.Sa);
        if (pending.Sa.Closed || pending.Next is null)
            PutBack(pending, completion);
        else if (completion is OperationFailedCompletion failed)
            FailOperation(pending.Sa, failed.Fault);
        else
            pending.Next(completion);
    }

    public void Handle(IkeCommand command, MonotonicTime now)
    {
        Turn(now, null);
        switch (command)
        {
            case EndSessionCommand end when Table.TryFind(end.Session, out var session):
                _current = session.Current;
                session.EndsForGood = true;
                End(session.Current, end.Reason, end.Detail, sendDelete: true);
                break;
            case SuspendSessionCommand suspend when Table.TryFind(suspend.Session, out var session):
                _current = session.Current;
                End(session.Current, SessionEndReason.PeerUnreachable, suspend.Detail, sendDelete: false);
                break;
            case RekeyChildCommand rekey when Table.TryFind(rekey.Session, out var session) && session.FindByInboundSpi(rekey.InboundSpi) is { } child:
                _current = session.Current;
                ChildLifetime.Rekey(session.Current, child);
                break;
            case ChangeTimeoutsCommand change when Table.TryFind(change.Session, out var session):
                _current = session.Current;
                ChangeTimeouts(session, change.SessionTimeout, change.IdleTimeout);
                // An authorization that is under way would bring back the ones of before.
                if (!session.Up)
                    Emit(new UnclaimedCommandEffect(change.Session, change));
                break;
            case ReauthenticateCommand ask when Table.TryFind(ask.Session, out var session) && session.Up:
                _current = session.Current;
                ReauthenticationExchange.Ask(session, ask.Within);
                break;
            case ProbeCommand probe when Table.TryFind(probe.Session, out var session) && session.Up:
                _current = session.Current;
                LivenessExchange.Probe(session.Current);
                break;
            case RekeyIkeCommand rekey when Table.TryFind(rekey.Session, out var session):
                _current = session.Current;
                RekeyIke(session.Current);
                break;
            case PeerMovedCommand moved when Table.TryFind(moved.Session, out var session):
                _current = session.Current;
                NatDetection.PeerMoved(session.Current, moved.Remote);
                break;
            case SwapProfilesCommand swap:
                UseProfiles(swap.Profiles);
                break;
            case ShutdownCommand shutdown:
                Shutdown(shutdown.Reason);
                break;
            case EndSessionCommand end:
                Emit(new UnclaimedCommandEffect(end.Session, end));
                break;
            case ChangeTimeoutsCommand change:
                Emit(new UnclaimedCommandEffect(change.Session, change));
                break;
            case ReauthenticateCommand ask:
                Emit(new UnclaimedCommandEffect(ask.Session, ask));
                break;
        }
    }

    /// <summary>Runs the timers that are due.</summary>
    public void Advance(MonotonicTime now)
    {
        Turn(now, null);
        while (Timers.TryTakeDue(now, out var sa, out var timer))
        {
            _current = sa;
            OnTimer(sa, timer);
        }
    }

    /// <summary>The next effect, in order. False when there is none.</summary>
    public bool TryTake([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IkeEffect? effect) => _effects.TryDequeue(out effect);

    /// <summary>The turn threw: a fault of ours. Ends the one IKE SA that was being worked on; the others go on.</summary>
    public void FailCurrent(string detail)
    {
        if (_current is not { Closed: false } sa)
            return;
        _current = null;
        Observer.Failed(IkeFailure.LocalFault, sa.Session?.Id, sa.Path, detail);
        End(sa, SessionEndReason.InternalError, detail, sendDelete: false);
    }

    internal void Emit(IkeEffect effect) => _effects.Enqueue(effect);

    internal OperationId NextOperation() => new(++_operations);

    /// <summary>Emits an effect and waits for its completion on behalf of the SA.</summary>
    internal void Await(IkeSa sa, IkeOperation effect, Action<IkeCompletion> next)
    {
        _pending.Add(effect.Id, new PendingOperation(sa, effect, next));
        Emit(effect);
    }

    /// <summary>Nobody wants the completion any more; what it brings is given back.</summary>
    internal void Forget(OperationId id)
    {
        if (_pending.TryGetValue(id, out var pending))
            _pending[id] = pending with { Next = null };
    }

    private void FailOperation(IkeSa sa, string fault)
    {
        Observer.Failed(IkeFailure.LocalFault, sa.Session?.Id, sa.Path, fault);
        End(sa, SessionEndReason.InternalError, fault, sendDelete: false);
    }

    private void Turn(MonotonicTime now, IkeSa? current)
    {
        Now = now;
        _current = current;
    }

    /// <summary>A completion came too late: its keys are zeroed, its SAs removed.</summary>
    private void PutBack(PendingOperation pending, IkeCompletion completion)
    {
        switch (completion)
        {
            case KeyAgreementCompletion agreed:
                agreed.Exchange.Dispose();
                System.Security.Cryptography.CryptographicOperations.ZeroMemory(agreed.SharedSecret);
                break;
            case EapStepCompletion { Outcome: EapOutcome.Success { Msk: { } msk } }:
                System.Security.Cryptography.CryptographicOperations.ZeroMemory(msk);
                break;
            case LookUpPskCompletion found:
                found.Keys?.Dispose();
                break;
            case FindReconnectCompletion found:
                found.Forget();
                break;
            case OpenTicketCompletion { State: { } state }:
                System.Security.Cryptography.CryptographicOperations.ZeroMemory(state);
                break;
            case InstallChildSaCompletion installed:
                PutBack(pending, installed);
                break;
        }
    }

    private void PutBack(PendingOperation pending, InstallChildSaCompletion installed)
    {
        var (session, parameters) = pending.Effect switch
        {
            InstallChildSaEffect install => (install.Session, install.Parameters),
            RekeyChildSaEffect rekey => (rekey.Session, rekey.Parameters),
            _ => (default, null),
        };
        if (parameters is null)
            return;
        ChildInstallation.ZeroKeys(parameters);

        // For a session that is down everything is removed with it.
        if (installed.Fault is null && Table.TryFind(session, out _))
            Emit(new RemoveChildSaEffect(session, parameters.InboundSpi, parameters.OutboundSpi));
    }

    private void HandleVersion(in IkeHeader header, in IkeDatagram datagram)
    {
        // RFC 7296 2.5: a higher major version gets INVALID_MAJOR_VERSION; IKEv1 does not know that notify.
        Observer.Discarded(DiscardReason.Version, datagram.Path, $"IKE version {header.MajorVersion}.{header.MinorVersion}");
        if (header.MajorVersion > 2 && !header.IsResponse)
            InitialAdmission.Refuse(this, header, datagram, NotifyType.InvalidMajorVersion, []);
    }

    private void HandleInit(in IkeHeader header, in IkeDatagram datagram)
    {
        if (!IsInitialRequest(header))
        {
            Observer.Discarded(DiscardReason.NotExpectedHere, datagram.Path, $"not an initial {header.ExchangeType} request");
            return;
        }

        if (_shuttingDown)
        {
            Observer.Discarded(DiscardReason.ShuttingDown, datagram.Path, "");
            return;
        }

        if (!Table.TryFindHalfOpen(datagram.Path.Remote, header.InitiatorSpi, out var sa))
        {
            if (header.ExchangeType == ExchangeType.IkeSaInit)
                SaInitExchange.Handle(this, header, datagram);
            else
                SessionResumption.Handle(this, header, datagram);
            return;
        }

        _current = sa;
        if (sa.Phase == IkeSaPhase.KeyExchange)
            Observer.Discarded(DiscardReason.Busy, datagram.Path, "its first copy is being worked on");
        else if (Admission.TryTakeStatelessReply(Now)) // the source is not proven yet, and the response is larger than the request
            sa.Handle(header, datagram);
    }

    private static bool IsInitial(ExchangeType exchange) => exchange == ExchangeType.IkeSaInit || exchange == ExchangeType.IkeSessionResume;

    private static bool IsInitialRequest(in IkeHeader header) =>
        !header.IsResponse && header.IsFromInitiator && header.MessageId == 0 && !header.InitiatorSpi.IsZero && header.ResponderSpi.IsZero;

    private void UseProfiles(IReadOnlyList<IkeProfile> profiles)
    {
        _profiles = profiles;
        IkeProposals = Union(profiles);
        CertificateRequests = ClientCertificateAuthentication.Request(profiles) is { } request ? [request] : [];
        OffersSecondAuthentication = MultipleAuthentication.IsOffered(profiles);
    }

    private static List<IkeProposal> Union(IReadOnlyList<IkeProfile> profiles)
    {
        var union = new List<IkeProposal>();
        foreach (var proposal in profiles.SelectMany(p => p.IkeProposals))
        {
            if (!union.Exists(p => p.Text == proposal.Text))
                union.Add(proposal);
        }

        return union;
    }

    private sealed record PendingOperation(IkeSa Sa, IkeOperation Effect, Action<IkeCompletion>? Next);
}
