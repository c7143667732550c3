using Headend.Ikev2;
using Headend.Ikev2.Wire;

namespace Headend.TestKit.Initiator;

/// <summary>
/// An IKEv2 client of our own with EAP-MSCHAPv2, sans-IO: it shares the wire formats and the cryptography with the headend and nothing of its exchanges, so that the
/// two do not agree in a mistake. One login and what follows: liveness, Delete, rekeys by either side. Not thread-safe. Call order: Start, then Handle and Advance,
/// each followed by <see cref="TryTake"/> until it is empty.
/// </summary>
public sealed partial class TestInitiator
{
    private const double Backoff = 1.7;

    private readonly TestInitiatorOptions _options;
    private readonly Queue<InitiatorDatagram> _output = new();
    private readonly List<InitiatorSa> _sas = new(1);
    private readonly Queue<InitiatorRequest> _requests = new(0);
    private readonly List<InitiatorChildSa> _children = new(1);
    private InitiatorSa _current;
    private MonotonicTime _now;
    private MonotonicTime _startedAt;
    private MonotonicTime? _loginDeadline;
    private bool _natTraversal;
    private readonly CiscoFragments _cisco = new();

    /// <param name="options">Shared.</param>
    /// <param name="path">Our address and the responder's as we see them, for NAT detection.</param>
    public TestInitiator(TestInitiatorOptions options, IkePath path)
    {
        _options = options;
        Path = path;
        _natTraversal = path.NonEspMarker;
        _current = new InitiatorSa(NewIkeSpi(), weAreInitiator: true);
        _sas.Add(_current);
    }

    public IkePath Path { get; }

    public InitiatorStage Stage { get; private set; }

    public InitiatorOutcome Outcome { get; private set; } = new InitiatorOutcome.Pending();

    /// <summary>What CFG_REPLY said, the last of each type.</summary>
    public IDictionary<ConfigurationAttributeType, byte[]> Given { get; } = new Dictionary<ConfigurationAttributeType, byte[]>();

    /// <summary>Of all requests so far.</summary>
    public int Retransmissions { get; private set; }

    /// <summary>Round trip of the last answered request of ours; for probes.</summary>
    public TimeSpan LastRoundTrip { get; private set; }

    /// <summary>Requests of ours that were answered.</summary>
    public int Answered { get; private set; }

    /// <summary>A NAT was detected in IKE_SA_INIT, at either end.</summary>
    public bool NatDetected { get; private set; }

    /// <summary>Vendor ids of the IKE_SA_INIT response.</summary>
    public IReadOnlyList<byte[]> ServerVendorIds { get; private set; } = [];

    /// <summary>Datagrams with payload 132 that came.</summary>
    public int CiscoFragmentsReceived { get; private set; }

    /// <summary>The attributes of CFG_REPLY, by number.</summary>
    public IReadOnlyList<(ushort Type, byte[] Value)> Configuration { get; private set; } = [];

    public IReadOnlyList<InitiatorChildSa> Children => _children;

    /// <summary>Answers rekeys of the headend without USE_TRANSPORT_MODE.</summary>
    public bool DeclinesTransportMode { get; set; }

    /// <summary>IKE SAs that are not yet deleted.</summary>
    public int IkeSas => _sas.Count;

    /// <summary>No request of ours is out or waits.</summary>
    public bool IsQuiet => _requests.Count == 0 && _sas.TrueForAll(s => s.Active is null);

    internal InitiatorSa Current => _current;

    internal bool PeerFragments { get; private set; }

    /// <summary>When <see cref="Advance"/> is wanted; null = no timer runs.</summary>
    public MonotonicTime? NextDeadline
    {
        get
        {
            var next = _loginDeadline;
            foreach (var sa in _sas)
            {
                if (sa.RetransmitAt is { } at && (next is null || at < next))
                    next = at;
            }

            return next;
        }
    }

    public void Start(MonotonicTime now)
    {
        _now = now;
        _startedAt = now;
        _loginDeadline = now + _options.LoginTimeout;
        Stage = InitiatorStage.InitialExchange;
        if (_options.Ticket is { } ticket)
            SendResume(ticket);
        else
            SendInitial(_options.FirstGroup ?? _options.IkeProposals[0].KeyExchange[0]);
    }

    /// <summary>Takes an IKE message without marker; whatever is not for us or not authentic is ignored.</summary>
    public void Handle(ReadOnlyMemory<byte> datagram, MonotonicTime now)
    {
        _now = now;
        if (!IkeHeader.TryRead(datagram.Span, out var header, out _) || header.MajorVersion != 2)
            return;
        if (header.NextPayload.Value == 132)
        {
            CiscoFragmentsReceived++;
            if (_options.CiscoFragmentation && _cisco.Join(datagram.Span) is { } whole)
                Handle(whole, now);
            return;
        }

        if (header.ExchangeType == ExchangeType.IkeSaInit)
        {
            HandleInitial(header, datagram);
            return;
        }

        if (header.ExchangeType == ExchangeType.IkeSessionResume)
        {
            if (_options.Ticket is { } ticket)
                HandleResume(header, datagram, ticket);
            return;
        }

        var ours = header.IsFromInitiator ? header.ResponderSpi : header.InitiatorSpi;
        var theirs = header.IsFromInitiator ? header.InitiatorSpi : header.ResponderSpi;
        foreach (var sa in _sas)
        {
            if (sa.LocalSpi != ours || sa.RemoteSpi != theirs || sa.WeAreInitiator == header.IsFromInitiator || sa.Protection is null)
                continue;
            if (header.IsResponse)
                HandleResponse(sa, header, datagram);
            else
                HandleRequest(sa, header, datagram);
            return;
        }
    }

    public void Advance(MonotonicTime now)
    {
        _now = now;
        if (_loginDeadline is { } deadline && deadline <= now)
        {
            Fail(null, $"no end of the login after {_options.LoginTimeout.TotalSeconds} s");
            return;
        }

        for (var i = _sas.Count - 1; i >= 0; i--)
        {
            if (_sas[i].RetransmitAt is { } at && at <= now)
                Retransmit(_sas[i]);
        }
    }

    public bool TryTake(out InitiatorDatagram datagram) => _output.TryDequeue(out datagram);

    /// <summary>Forgets everything without a word to the responder, as a client that lost its power.</summary>
    public void Vanish()
    {
        foreach (var sa in _sas)
            sa.Close();
        _sas.Clear();
        _loginDeadline = null;
        Stage = InitiatorStage.Closed;
    }

    private IkeSpi NewIkeSpi()
    {
        Span<byte> octets = stackalloc byte[8];
        _options.Crypto.Fill(octets);
        var value = BitConverter.ToUInt64(octets) | 1;
        if (_options.SpiPrefix is { } prefix)
            value = ((ulong)prefix << 32) | (value & 0xffff_ffff);
        return new IkeSpi(value);
    }

    private uint NewEspSpi()
    {
        Span<byte> octets = stackalloc byte[4];
        _options.Crypto.Fill(octets);
        return BitConverter.ToUInt32(octets) | 0x100;
    }

    private byte[] NewNonce()
    {
        var nonce = new byte[_options.NonceOctets];
        _options.Crypto.Fill(nonce);
        return nonce;
    }

    /// <summary>The limit beyond which a message is fragmented.</summary>
    private int FragmentLimit => _options.Fragmentation && PeerFragments ? _options.FragmentOctets : int.MaxValue;

    private void SendRequest(InitiatorSa sa, InitiatorRequest request, IReadOnlyList<IkePayload> payloads)
    {
        var header = sa.Header(request.Exchange, isResponse: false, sa.NextOutbound++);
        var datagrams = sa.Protect(header, payloads, FragmentLimit);
        if (_options.CiscoFragmentation && datagrams.Count == 1 && datagrams[0].Length > _options.FragmentOctets)
            datagrams = _cisco.Cut(datagrams[0], _options.FragmentOctets);
        Send(sa, request, datagrams);
    }

    private void Send(InitiatorSa sa, InitiatorRequest request, List<byte[]> datagrams)
    {
        sa.Active = request;
        sa.Outstanding = datagrams;
        sa.Tries = 0;
        sa.RetransmitAt = _now + _options.RetransmitInterval;
        request.SentAt = _now;
        Transmit(datagrams);
    }

    private void Transmit(List<byte[]> datagrams)
    {
        foreach (var datagram in datagrams)
            _output.Enqueue(new InitiatorDatagram(datagram, _natTraversal));
    }

    private void Retransmit(InitiatorSa sa)
    {
        if (++sa.Tries > _options.RetransmitTries)
        {
            if (Stage < InitiatorStage.Established)
                Fail(null, $"no answer after {_options.RetransmitTries} retransmissions");
            else
                Remove(sa);
            return;
        }

        Retransmissions++;
        sa.RetransmitAt = _now + (_options.RetransmitInterval * Math.Pow(Backoff, sa.Tries));
        Transmit(sa.Outstanding);
    }

    private void HandleResponse(InitiatorSa sa, in IkeHeader header, ReadOnlyMemory<byte> datagram)
    {
        if (sa.Active is not { } request || header.MessageId != sa.NextOutbound - 1 || header.ExchangeType != request.Exchange
            || !sa.TryOpen(datagram, header, out var first, out var inner))
            return;
        sa.Active = null;
        sa.Outstanding = [];
        sa.RetransmitAt = null;
        LastRoundTrip = _now - request.SentAt;
        Answered++;
        if (!PayloadChain.TryParse(first, inner, out var payloads, out var error))
        {
            Fail(null, $"the response to {request.Exchange} does not parse: {error}");
            return;
        }

        var response = new IkeMessage(header, payloads);
        if (request.Kind == InitiatorRequestKind.Login)
            HandleLogin(sa, response);
        else
            HandleAnswer(sa, request, response);
    }

    private void HandleRequest(InitiatorSa sa, in IkeHeader header, ReadOnlyMemory<byte> datagram)
    {
        // While the cached response stands, a copy of the request it answers gets it again; of a fragmented one only its first fragment asks (RFC 7383 2.6.1).
        if (header.MessageId + 1 == sa.NextInbound)
        {
            var isLaterFragment = header.NextPayload == PayloadType.EncryptedFragment && datagram.Length > 34 && (datagram.Span[32] != 0 || datagram.Span[33] != 1);
            if (!isLaterFragment)
                Transmit(sa.CachedResponse);
            return;
        }

        if (header.MessageId != sa.NextInbound || Stage < InitiatorStage.Established || !sa.TryOpen(datagram, header, out var first, out var inner))
            return;
        sa.NextInbound++;
        var payloads = PayloadChain.TryParse(first, inner, out var parsed, out _)
            ? Answer(sa, new IkeMessage(header, parsed), out var after)
            : Refuse(NotifyType.InvalidSyntax, out after);
        sa.CachedResponse = sa.Protect(sa.Header(header.ExchangeType, isResponse: true, header.MessageId), payloads, FragmentLimit);
        Transmit(sa.CachedResponse);
        after?.Invoke();
    }

    private void Fail(NotifyType? notify, string reason)
    {
        if (Outcome is InitiatorOutcome.Pending)
            Outcome = new InitiatorOutcome.Failed(Stage, notify, reason);
        Vanish();
    }

    private void Remove(InitiatorSa sa)
    {
        sa.Close();
        _sas.Remove(sa);
        if (_sas.Count > 0 && sa != _current)
            return;
        _requests.Clear();
        _children.Clear();
        foreach (var other in _sas)
            other.Close();
        _sas.Clear();
        Stage = InitiatorStage.Closed;
    }
}
