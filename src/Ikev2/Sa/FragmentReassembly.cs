using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Sa;

internal enum FragmentVerdict
{
    Awaiting,
    Complete,

    /// <summary>Dropped: a duplicate, one of an older way to split the message, or more fragments than the limit.</summary>
    Dropped,

    /// <summary>Dropped: with it the message has more octets than the limit, so that it will never be complete.</summary>
    TooLarge,
}

/// <summary>
/// Puts the fragments of one message together (RFC 7383 2.6). Holds only fragments that were authenticated, of one Message ID at a time, and never more than
/// the octets allowed. Windows sends fragments of 576 octets and more than 16 of them.
/// </summary>
internal sealed class FragmentReassembly
{
    public const int MaxFragments = 255;

    /// <summary>For an authenticated peer.</summary>
    public const int MaxOctets = 64 * 1024;

    /// <summary>For a stranger, of a message in fragments and of one without: an IKE_AUTH request with many CERTREQs, or one of EAP-TLS with a long chain, stays well below.</summary>
    public const int MaxOctetsBeforeAuthentication = 24 * 1024;

    private byte[]?[] _parts = [];
    private int _received;
    private int _octets;
    private uint _messageId;
    private PayloadType _first;

    /// <summary>Of the first fragment's datagram as received; a retransmission of it asks for the response again.</summary>
    public RequestFingerprint? First { get; private set; }

    /// <summary>
    /// Adds a decrypted fragment. A larger Total Fragments than before means that the sender split anew with smaller fragments: all earlier ones are dropped;
    /// a smaller one is an old fragment (RFC 7383 2.5.1, 2.6).
    /// </summary>
    public FragmentVerdict Add(uint messageId, in EncryptedEnvelope envelope, byte[] inner, ReadOnlySpan<byte> datagram, int maxOctets = MaxOctets)
    {
        if (envelope.TotalFragments > MaxFragments)
            return FragmentVerdict.Dropped;
        if (messageId != _messageId || envelope.TotalFragments > _parts.Length)
            Start(messageId, envelope.TotalFragments);
        var index = envelope.FragmentNumber - 1;
        if (envelope.TotalFragments < _parts.Length || _parts[index] is not null)
            return FragmentVerdict.Dropped;
        if (_octets + inner.Length > maxOctets)
            return FragmentVerdict.TooLarge;
        _parts[index] = inner;
        _octets += inner.Length;
        _received++;
        if (index == 0)
        {
            _first = envelope.InnerFirst;
            First = RequestFingerprint.Of(datagram);
        }

        return _received == _parts.Length ? FragmentVerdict.Complete : FragmentVerdict.Awaiting;
    }

    /// <summary>The whole, once <see cref="FragmentVerdict.Complete"/>; empties the reassembly.</summary>
    public (PayloadType First, byte[] Inner) Take()
    {
        var whole = new byte[_octets];
        var position = 0;
        foreach (var part in _parts)
        {
            part!.CopyTo(whole, position);
            position += part.Length;
        }

        var first = _first;
        _parts = [];
        _received = 0;
        _octets = 0;
        return (first, whole);
    }

    private void Start(uint messageId, int total)
    {
        _messageId = messageId;
        _parts = new byte[]?[total];
        _received = 0;
        _octets = 0;
        First = null;
    }
}
