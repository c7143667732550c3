using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.TestKit.Initiator;

/// <summary>One IKE SA of the client: keys, Message IDs, the outstanding request and the cached response. A window of one in both directions.</summary>
internal sealed class InitiatorSa(IkeSpi local, bool weAreInitiator)
{
    private byte[]?[] _parts = [];
    private uint _partsId;
    private int _received;
    private PayloadType _firstInner;

    public IkeSpi LocalSpi { get; } = local;

    public IkeSpi RemoteSpi { get; set; }

    /// <summary>We began this IKE SA, or the rekey that made it.</summary>
    public bool WeAreInitiator { get; } = weAreInitiator;

    public IkeSpi InitiatorSpi => WeAreInitiator ? LocalSpi : RemoteSpi;

    public IkeSpi ResponderSpi => WeAreInitiator ? RemoteSpi : LocalSpi;

    public IkeSuite Suite { get; private set; } = null!;

    public IkeKeys Keys { get; private set; } = null!;

    public MessageProtection Protection { get; private set; } = null!;

    public uint NextInbound { get; set; }

    public uint NextOutbound { get; set; }

    /// <summary>The response sent last, or its fragments.</summary>
    public List<byte[]> CachedResponse { get; set; } = [];

    /// <summary>Our request under way.</summary>
    public InitiatorRequest? Active { get; set; }

    public List<byte[]> Outstanding { get; set; } = [];

    public int Tries { get; set; }

    public MonotonicTime? RetransmitAt { get; set; }

    /// <summary>A rekey made a successor; this one only waits for its Delete.</summary>
    public bool Replaced { get; set; }

    public bool Closed { get; private set; }

    public void SetKeys(ICryptoProvider crypto, IkeSuite suite, IkeKeys keys)
    {
        Suite = suite;
        Keys = keys;
        Protection = new MessageProtection(crypto, suite, keys, WeAreInitiator);
    }

    public void Close()
    {
        if (Closed)
            return;
        Closed = true;
        Active = null;
        Outstanding = [];
        RetransmitAt = null;
        Protection?.Dispose();
        Keys?.Dispose();
    }

    public IkeHeader Header(ExchangeType exchange, bool isResponse, uint messageId) => new(
        InitiatorSpi,
        ResponderSpi,
        PayloadType.None,
        2,
        0,
        exchange,
        (WeAreInitiator ? IkeHeaderFlags.Initiator : 0) | (isResponse ? IkeHeaderFlags.Response : 0),
        messageId,
        0);

    /// <summary>One datagram, or fragments where the message is larger than the limit and the peer takes them.</summary>
    public List<byte[]> Protect(in IkeHeader header, IReadOnlyList<IkePayload> payloads, int limit)
    {
        var writer = new WireWriter();
        var first = PayloadChain.Write(payloads, writer);
        var inner = writer.Written;
        if (Protection.SealedOctets(inner.Length) <= limit)
            return [Protection.Seal(header, first, inner)];
        var part = Protection.MaxInnerPerFragment(limit);
        var total = (inner.Length + part - 1) / part;
        var fragments = new List<byte[]>(total);
        for (var number = 1; number <= total; number++)
        {
            var start = (number - 1) * part;
            var slice = inner.Slice(start, Math.Min(part, inner.Length - start));
            fragments.Add(Protection.SealFragment(header, number == 1 ? first : PayloadType.None, (ushort)number, (ushort)total, slice));
        }

        return fragments;
    }

    /// <summary>Decrypts; true with the whole chain once all fragments are there.</summary>
    public bool TryOpen(ReadOnlyMemory<byte> datagram, in IkeHeader header, out PayloadType first, out byte[] inner)
    {
        first = default;
        inner = [];
        if (!EncryptedEnvelope.TryLocate(datagram, header, out var envelope, out _) || !Protection.TryOpen(datagram.Span, envelope, out var opened))
            return false;
        first = envelope.InnerFirst;
        inner = opened;
        if (!envelope.IsFragment)
            return true;

        var id = header.MessageId | (header.IsResponse ? 0x8000_0000 : 0);
        if (id != _partsId || _parts.Length != envelope.TotalFragments)
        {
            _partsId = id;
            _parts = new byte[]?[envelope.TotalFragments];
            _received = 0;
        }

        var index = envelope.FragmentNumber - 1;
        if (_parts[index] is not null)
            return false;
        _parts[index] = inner;
        if (index == 0)
            _firstInner = envelope.InnerFirst;
        if (++_received < _parts.Length)
            return false;
        first = _firstInner;
        inner = Join();
        return true;
    }

    private byte[] Join()
    {
        var whole = new byte[_parts.Sum(p => p!.Length)];
        var position = 0;
        foreach (var part in _parts)
        {
            part!.CopyTo(whole, position);
            position += part.Length;
        }

        _parts = [];
        _received = 0;
        return whole;
    }
}

/// <summary>What a request of ours is for.</summary>
internal enum InitiatorRequestKind
{
    Login,
    Liveness,
    Ticket,
    DeleteIke,
    DeleteChild,
    RekeyChild,
    RekeyIke,
}

/// <summary>A request of ours, queued or under way, with what its response needs.</summary>
internal sealed class InitiatorRequest(InitiatorRequestKind kind, InitiatorChildSa? child = null)
{
    public InitiatorRequestKind Kind { get; } = kind;

    public InitiatorChildSa? Child { get; } = child;

    public ExchangeType Exchange { get; set; } = kind is InitiatorRequestKind.RekeyChild or InitiatorRequestKind.RekeyIke
        ? ExchangeType.CreateChildSa
        : ExchangeType.Informational;

    /// <summary>A rekey asks for it.</summary>
    public bool TransportMode { get; init; }

    /// <summary>In place of the selectors that the SA has on our side.</summary>
    public TrafficSelector? Local { get; init; }

    public byte[] Nonce { get; set; } = [];

    public IKeyExchange? Own { get; set; }

    public IkeSpi NewIkeSpi { get; set; }

    public uint NewInboundSpi { get; set; }

    public MonotonicTime SentAt { get; set; }
}
