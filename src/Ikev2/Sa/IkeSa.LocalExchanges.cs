using Headend.Ikev2.Exchanges;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Sa;

/// <summary>Our own requests: one at a time, retransmitted until answered (RFC 7296 2.1, 2.3).</summary>
internal sealed partial class IkeSa
{
    /// <summary>Each wait is this much longer than the one before.</summary>
    private const double Backoff = 1.7;

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    private readonly LinkedList<LocalExchange> _queue = [];
    private LocalExchange? _active;
    private IReadOnlyList<byte[]> _outstanding = [];
    private uint _requestId;
    private int _tries;
    private bool _awaitingOperation;
    private OperationId _localOperation;

    /// <summary>
    /// The peer's rekey of this IKE SA is being worked on: none of our exchanges starts, since the session is about to move and an answer on this IKE SA would
    /// find none. Ends with the response.
    /// </summary>
    public bool PeerRekeysIke { get; set; }

    /// <summary>The exchange of ours under way, if any.</summary>
    public LocalExchange? ActiveLocal => _active;

    public void Enqueue(LocalExchange exchange, bool first = false)
    {
        if (first)
            _queue.AddFirst(exchange);
        else
            _queue.AddLast(exchange);
        StartNext();
    }

    public bool HasQueued<T>()
        where T : LocalExchange => _active is T || _queue.OfType<T>().Any();

    /// <summary>Hands the waiting exchanges to the IKE SA that takes this one's place.</summary>
    public void MoveQueueTo(IkeSa other)
    {
        foreach (var exchange in _queue)
        {
            // A rekey of this IKE SA has happened by now.
            if (exchange is not RekeyIkeExchange)
                other._queue.AddLast(exchange);
        }

        _queue.Clear();
        other.StartNext();
    }

    public void ClearQueue() => _queue.Clear();

    /// <summary>Transmits the request of the active exchange.</summary>
    public void SendRequest(IReadOnlyList<IkePayload> payloads)
    {
        var exchange = _active!;
        _requestId = Window.TakeOutbound();
        var header = new IkeHeader(
            InitiatorSpi, ResponderSpi, PayloadType.None, 2, 0, exchange.Type, WeAreInitiator ? IkeHeaderFlags.Initiator : 0, _requestId, 0);
        _outstanding = Protect(header, payloads);
        _tries = 0;
        exchange.Sent = true;
        exchange.Answered = false;
        Send(_outstanding, Path);
        Endpoint.Observer.Requested(exchange.Type, Session?.Id ?? default, retransmission: false);
        Endpoint.Timers.Set(this, IkeTimer.Retransmit, Endpoint.Now + Endpoint.Options.RetransmitInterval);
    }

    /// <summary>Suspends the active exchange until the effect's completion.</summary>
    public void SuspendLocal<TCompletion>(IkeOperation effect, Action<TCompletion> next)
        where TCompletion : IkeCompletion
    {
        _awaitingOperation = true;
        _localOperation = effect.Id;
        Endpoint.Await(this, effect, completion =>
        {
            _awaitingOperation = false;
            next((TCompletion)completion);
        });
    }

    /// <summary>The active exchange is over; the next one starts.</summary>
    public void FinishLocal()
    {
        _active = null;
        StartNext();
    }

    /// <summary>Gives the active exchange up before its request went out (a collision).</summary>
    public void CancelUnsent()
    {
        if (_active is null || _active.Sent)
            return;
        if (_awaitingOperation)
            Endpoint.Forget(_localOperation);
        _awaitingOperation = false;
        FinishLocal();
    }

    /// <summary>
    /// The session is over: Delete goes out as soon as the window is free. What we asked before is no longer of interest, except a rekey of this IKE SA: its
    /// answer tells of a new IKE SA that the peer must be told to delete too.
    /// </summary>
    public void BeginDelete()
    {
        AbortRequest();
        Enter(new IkeSaState.Deleting());
        _queue.Clear();
        if (_active is not null && !(_active is RekeyIkeExchange { Sent: true } && (!_active.Answered || _awaitingOperation)))
        {
            if (_awaitingOperation)
                Endpoint.Forget(_localOperation);
            _active = _active.Sent && !_active.Answered ? new DrainExchange(_active.Type) : null;
            _awaitingOperation = false;
        }

        Enqueue(new DeleteExchange(null));
    }

    /// <summary>The answer that our Delete waited behind is here and came to nothing: the Delete goes out.</summary>
    public void ResumeDelete()
    {
        if (_active is DeleteExchange { Answered: true })
            Endpoint.Drop(this);
        else if (_active is { Answered: true } && !_awaitingOperation)
            FinishLocal();
    }

    public void OnRetransmitTimer()
    {
        if (_active is null || _outstanding.Count == 0)
            return;
        var most = Session?.Profile.RetransmitTries ?? Endpoint.Options.RetransmitTries;
        var limit = Phase == IkeSaPhase.Deleting ? Math.Min(3, most) : most;
        if (++_tries > limit)
        {
            Endpoint.End(this, SessionEndReason.PeerUnreachable, $"no answer to {_active.Type} after {limit} retransmissions", sendDelete: false);
            return;
        }

        Send(_outstanding, Path);
        Endpoint.Observer.Requested(_active.Type, Session?.Id ?? default, retransmission: true);
        var wait = Endpoint.Options.RetransmitInterval * Math.Pow(Backoff, _tries);
        Endpoint.Timers.Set(this, IkeTimer.Retransmit, Endpoint.Now + (wait < LongestWait ? wait : LongestWait));
    }

    /// <summary>Nothing of this SA is used any more; zeroes its keys. Only the endpoint calls this.</summary>
    public void Close()
    {
        if (Closed)
            return;
        Closed = true;
        _queue.Clear();
        _active = null;
        Protection?.Dispose();
        Keys?.Dispose();
        if (State is IkeSaState.ExpectEapAuth { Msk: { } msk })
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(msk);
    }

    private void StartNext()
    {
        if (_active is not null || _queue.First is null || Closed || PeerRekeysIke || Phase < IkeSaPhase.Established)
            return;
        _active = _queue.First.Value;
        _queue.RemoveFirst();
        _active.Start(this);
    }
}
