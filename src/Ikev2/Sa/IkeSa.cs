using System.Net;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Exchanges;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Sa;

/// <summary>
/// One IKE SA: routes messages to the exchange table, keeps Message IDs, retransmission and the queue of our own requests. Procedures are in Exchanges/.
/// Owned by its endpoint's thread.
/// </summary>
internal sealed partial class IkeSa(IkeEndpoint endpoint, IkeSpi localSpi, IkeSpi remoteSpi, bool weAreInitiator, IkePath path, MonotonicTime now)
{
    /// <summary>Requests and responses number their messages apart, so that their fragments must not meet.</summary>
    private readonly FragmentReassembly _requestFragments = new();
    private readonly FragmentReassembly _responseFragments = new();

    public IkeEndpoint Endpoint { get; } = endpoint;

    public IkeSpi LocalSpi { get; } = localSpi;

    public IkeSpi RemoteSpi { get; } = remoteSpi;

    /// <summary>We are the original initiator of this IKE SA, which happens by rekeying (RFC 7296 2.2, 2.18).</summary>
    public bool WeAreInitiator { get; } = weAreInitiator;

    /// <summary>Where the last authentic request came from; where ours go.</summary>
    public IkePath Path { get; set; } = path;

    /// <summary>
    /// Where the answer to its first message went, which whoever has the keys has read. Limits on guesses count by it and not by <see cref="Path"/>: later requests are authentic whatever source
    /// they bear, so that a peer with keys could spend somebody else's tries.
    /// </summary>
    public IPAddress ProvenSource { get; } = path.Remote.Address;

    public MonotonicTime CreatedAt { get; } = now;

    public IkeSaState State { get; private set; } = new IkeSaState.KeyExchange();

    public IkeSaPhase Phase => State.Phase;

    public MessageWindow Window { get; } = new();

    public IkeSuite Suite { get; private set; } = null!;

    public IkeKeys Keys { get; private set; } = null!;

    public MessageProtection Protection { get; private set; } = null!;

    /// <summary>Null before IKE_AUTH, and for an IKE SA whose session moved on by rekeying.</summary>
    public IkeSession? Session { get; set; }

    /// <summary>The session that it spoke for before a rekey took its place.</summary>
    public IkeSession? Former { get; set; }

    public PeerCapabilities Peer { get; set; } = new();

    /// <summary>The peer rekeyed this IKE SA while our own rekey is outstanding (RFC 7296 2.8.1): its new SA and the lower nonce of that exchange.</summary>
    public (IkeSa New, byte[] LowestNonce)? PeerRekey { get; set; }

    public bool Closed { get; private set; }

    public long[] Deadlines { get; } = new long[(int)IkeTimer.Count];

    public long[] Entries { get; } = new long[(int)IkeTimer.Count];

    /// <summary>The last moment at which something authentic came from the peer.</summary>
    public MonotonicTime LastHeard { get; private set; } = now;

    /// <summary>When the last message went out; ESP is not counted.</summary>
    public MonotonicTime LastSent { get; private set; } = now;

    public IkeSpi InitiatorSpi => WeAreInitiator ? LocalSpi : RemoteSpi;

    public IkeSpi ResponderSpi => WeAreInitiator ? RemoteSpi : LocalSpi;

    public void Enter(IkeSaState state) => State = state;

    /// <summary>Keys are there; messages can be protected from now on. Owns <paramref name="keys"/>.</summary>
    public void SetKeys(IkeSuite suite, IkeKeys keys)
    {
        Suite = suite;
        Keys = keys;
        Protection = new MessageProtection(Endpoint.Crypto, suite, keys, WeAreInitiator);
    }

    public void Handle(in IkeHeader header, in IkeDatagram datagram)
    {
        // Before it is decrypted or kept: a stranger's message is bounded, in fragments and without.
        const int most = FragmentReassembly.MaxOctetsBeforeAuthentication;
        if (Phase < IkeSaPhase.Established && datagram.Octets.Length > most)
        {
            Endpoint.Observer.Discarded(DiscardReason.TooLarge, datagram.Path, $"{header.ExchangeType} of {datagram.Octets.Length} octets, {most} is the limit before authentication");
            return;
        }

        if (header.NextPayload == PayloadType.CiscoFragment)
            HandleCiscoFragment(header, datagram);
        else if (header.IsResponse)
            HandleResponse(header, datagram);
        else
            HandleRequest(header, datagram);
    }

    private void HandleRequest(in IkeHeader header, in IkeDatagram datagram)
    {
        switch (Window.Classify(header, datagram.Octets.Span))
        {
            case WindowVerdict.Retransmission:
                Retransmit(datagram);
                return;
            case WindowVerdict.InProgress:
                Endpoint.Observer.Discarded(DiscardReason.Busy, datagram.Path, "its first copy is being worked on");
                return;
            case WindowVerdict.Outside:
                Endpoint.Observer.Discarded(DiscardReason.OutsideWindow, datagram.Path, $"message {header.MessageId}, expected {Window.NextInbound}");
                return;
        }

        if (!ExchangeTable.IsPlausible(Phase, header.ExchangeType, isResponse: false))
        {
            Endpoint.Observer.Discarded(DiscardReason.NotExpectedHere, datagram.Path, $"{header.ExchangeType} while {Phase}");
            return;
        }

        if (!TryOpen(header, datagram, out var first, out var inner, out var fingerprint))
            return;
        Begin(header, datagram, fingerprint);
        Complete(Dispatch(header, first, inner));
    }

    /// <summary>An authentic request is the next one; null stands for the fingerprint of the datagram itself.</summary>
    private void Begin(in IkeHeader header, in IkeDatagram datagram, RequestFingerprint? fingerprint)
    {
        Heard(datagram.Path);
        Window.Begin(fingerprint ?? RequestFingerprint.Of(datagram.Octets.Span));
        _requestHeader = header;
        _requestPath = datagram.Path;
        _requestAt = Endpoint.Now;
    }

    private RequestOutcome Dispatch(in IkeHeader header, PayloadType first, byte[] inner)
    {
        if (!PayloadChain.TryParse(first, inner, out var payloads, out var error))
        {
            return error.Code == WireErrorCode.UnsupportedCriticalPayload
                ? RequestOutcome.Fail(IkeFailure.UnsupportedCriticalPayload, error.ToString(), notifyValue: [error.Payload.Value])
                : RequestOutcome.Fail(IkeFailure.MalformedPayloads, error.ToString());
        }

        var message = new IkeMessage(header, payloads);
        var row = ExchangeTable.FindRequest(Phase, message, out var complaint);
        return row is null ? RequestOutcome.Fail(IkeFailure.UnexpectedPayloads, complaint) : row.Handler!(this, message);
    }

    /// <summary>Verifies and decrypts; puts fragments together. False: nothing more to do, already counted. The fingerprint is null for a message without fragments.</summary>
    private bool TryOpen(in IkeHeader header, in IkeDatagram datagram, out PayloadType first, out byte[] inner, out RequestFingerprint? fingerprint)
    {
        first = default;
        inner = [];
        fingerprint = null;
        if (!EncryptedEnvelope.TryLocate(datagram.Octets, header, out var envelope, out var error))
        {
            Endpoint.Observer.Discarded(DiscardReason.Malformed, datagram.Path, error.ToString());
            return false;
        }

        if (!Protection.TryOpen(datagram.Octets.Span, envelope, out var opened))
        {
            Endpoint.Observer.Discarded(DiscardReason.NotAuthentic, datagram.Path, $"{header.ExchangeType} message {header.MessageId}");
            return false;
        }

        inner = opened;
        if (!envelope.IsFragment)
        {
            first = envelope.InnerFirst;
            return true;
        }

        var reassembly = header.IsResponse ? _responseFragments : _requestFragments;
        var limit = Phase < IkeSaPhase.Established ? FragmentReassembly.MaxOctetsBeforeAuthentication : FragmentReassembly.MaxOctets;
        switch (reassembly.Add(header.MessageId, envelope, inner, datagram.Octets.Span, limit))
        {
            case FragmentVerdict.TooLarge when Phase < IkeSaPhase.Established:
                // The peer's own doing, since the fragment is authentic: it hears of it now, and the log too, instead of a timeout with no reason.
                Begin(header, datagram, null);
                Complete(RequestOutcome.Fail(IkeFailure.MessageTooLarge, $"{header.ExchangeType} in {envelope.TotalFragments} fragments, {limit} octets is the limit before authentication"));
                return false;
            case FragmentVerdict.Dropped or FragmentVerdict.TooLarge:
                Endpoint.Observer.Discarded(DiscardReason.FragmentLimit, datagram.Path, $"fragment {envelope.FragmentNumber} of {envelope.TotalFragments}");
                return false;
            case FragmentVerdict.Awaiting:
                return false;
        }

        fingerprint = reassembly.First;
        (first, inner) = reassembly.Take();
        return true;
    }

    private void HandleResponse(in IkeHeader header, in IkeDatagram datagram)
    {
        if (_active is not { Sent: true } || _awaitingOperation || header.MessageId != _requestId || header.ExchangeType != _active.Type)
        {
            Endpoint.Observer.Discarded(DiscardReason.OutsideWindow, datagram.Path, $"response {header.MessageId} to nothing outstanding");
            return;
        }

        if (!TryOpen(header, datagram, out var first, out var inner, out _))
            return;
        Heard(datagram.Path);
        IkeTimers.Clear(this, IkeTimer.Retransmit);
        _outstanding = [];
        _active.Answered = true;
        if (!PayloadChain.TryParse(first, inner, out var payloads, out var error))
        {
            // RFC 7296 2.21.4: errors in a response are not answered. Authentic and yet unreadable: the two sides no longer agree.
            Endpoint.End(this, SessionEndReason.ProtocolError, $"response to {header.ExchangeType} does not parse: {error}", sendDelete: true);
            return;
        }

        _active.OnResponse(this, new IkeMessage(header, payloads));
    }

    /// <summary>Something authentic came: the peer lives, and in establishment it may have moved to the NAT traversal port.</summary>
    private void Heard(in IkePath path)
    {
        LastHeard = Endpoint.Now;
        if (Phase == IkeSaPhase.Established && Session is { Up: true, Profile.DpdInterval.Ticks: > 0 } session && session.Current == this)
            Endpoint.Timers.Set(this, IkeTimer.Liveness, Endpoint.Now + session.Profile.QuietTime);
        if (path.Equals(Path))
            return;
        if (Phase < IkeSaPhase.Established)
            Path = path;
        else
            NatDetection.PeerMoved(this, path);
        if (Session is not null)
            Session.Login.Path = Path;
    }
}
