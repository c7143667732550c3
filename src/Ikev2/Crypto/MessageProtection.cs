using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>
/// Protects and opens the messages of one IKE SA (RFC 7296 3.14, RFC 5282, RFC 7383). Owned by the SA; not thread-safe. Each direction has its own
/// key, so a message reflected to its sender does not open.
/// </summary>
public sealed class MessageProtection : IDisposable
{
    private const int SkHeaderOctets = 4;
    private const int SkfHeaderOctets = 8;
    private const int PadLengthOctets = 1;

    private readonly IMessageCipher _outbound;
    private readonly IMessageCipher _inbound;

    /// <param name="provider">Cryptography.</param>
    /// <param name="suite">Algorithms of the SA.</param>
    /// <param name="keys">Keys of the SA; copied, the caller keeps owning them.</param>
    /// <param name="weAreOriginalInitiator">Who began this SA, for a rekeyed SA who began the rekey; not who began the exchange.</param>
    public MessageProtection(ICryptoProvider provider, IkeSuite suite, IkeKeys keys, bool weAreOriginalInitiator)
    {
        var initiator = provider.CreateCipher(suite.Encryption, suite.Integrity, keys.SkEi, keys.SkAi);
        var responder = provider.CreateCipher(suite.Encryption, suite.Integrity, keys.SkEr, keys.SkAr);
        (_outbound, _inbound) = weAreOriginalInitiator ? (initiator, responder) : (responder, initiator);
    }

    /// <summary>A whole message with one SK payload.</summary>
    /// <param name="header">Next payload and length are set here.</param>
    /// <param name="firstInner">Type of the first payload inside, none for an empty chain.</param>
    /// <param name="innerChain">Encoded payloads, may be empty.</param>
    public byte[] Seal(IkeHeader header, PayloadType firstInner, ReadOnlySpan<byte> innerChain)
    {
        var message = NewMessage(header, PayloadType.Encrypted, firstInner, SkHeaderOctets, innerChain.Length);
        return Protect(message, IkeHeader.Size + SkHeaderOctets, innerChain);
    }

    /// <summary>A whole message with one SKF payload.</summary>
    /// <param name="header">Next payload and length are set here.</param>
    /// <param name="firstInnerOrNone">Type of the first payload of the chain in fragment 1, none in all others (RFC 7383 2.5).</param>
    /// <param name="fragmentNumber">From 1.</param>
    /// <param name="total">Number of fragments.</param>
    /// <param name="part">At most <see cref="MaxInnerPerFragment"/> octets of the chain.</param>
    public byte[] SealFragment(IkeHeader header, PayloadType firstInnerOrNone, ushort fragmentNumber, ushort total, ReadOnlySpan<byte> part)
    {
        var message = NewMessage(header, PayloadType.EncryptedFragment, firstInnerOrNone, SkfHeaderOctets, part.Length);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(IkeHeader.Size + SkHeaderOctets), fragmentNumber);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(IkeHeader.Size + SkHeaderOctets + sizeof(ushort)), total);
        return Protect(message, IkeHeader.Size + SkfHeaderOctets, part);
    }

    /// <summary>Most octets of the chain that fit into one fragment; not positive when the limit is too small for any.</summary>
    /// <param name="maxIkeMessageOctets">Octets of an IKE message: the UDP payload without the non-ESP marker.</param>
    public int MaxInnerPerFragment(int maxIkeMessageOctets)
    {
        var room = maxIkeMessageOctets - IkeHeader.Size - SkfHeaderOctets - _outbound.IvOctets - _outbound.IcvOctets;
        return (room / _outbound.BlockOctets * _outbound.BlockOctets) - PadLengthOctets;
    }

    /// <summary>Octets of the message that <see cref="Seal"/> makes of a chain.</summary>
    public int SealedOctets(int innerOctets) =>
        IkeHeader.Size + SkHeaderOctets + _outbound.IvOctets + PaddedOctets(innerOctets) + _outbound.IcvOctets;

    /// <summary>Verifies and decrypts; the datagram stays untouched. False for whatever is not from the peer's key, with no further reason.</summary>
    /// <param name="datagram">The whole IKE message.</param>
    /// <param name="envelope">Where its SK or SKF payload lies.</param>
    /// <param name="inner">Encoded payloads, or the part of them in this fragment.</param>
    public bool TryOpen(ReadOnlySpan<byte> datagram, in EncryptedEnvelope envelope, [NotNullWhen(true)] out byte[]? inner)
    {
        inner = null;
        var cipherOctets = envelope.BodyLength - _inbound.IvOctets - _inbound.IcvOctets;
        if (cipherOctets < PadLengthOctets || cipherOctets % _inbound.BlockOctets != 0)
            return false;

        var body = datagram.Slice(envelope.BodyOffset, envelope.BodyLength);
        var plain = body.Slice(_inbound.IvOctets, cipherOctets).ToArray();
        if (!_inbound.TryOpen(body[.._inbound.IvOctets], datagram[..envelope.BodyOffset], plain, body[^_inbound.IcvOctets..]))
            return false;

        // Contents of the padding are not checked (RFC 7296 3.14: "Padding MAY contain any value chosen by the sender"); only authenticated octets come here.
        var innerOctets = plain.Length - PadLengthOctets - plain[^1];
        if (innerOctets < 0)
            return false;

        inner = plain[..innerOctets];
        CryptographicOperations.ZeroMemory(plain);
        return true;
    }

    public void Dispose()
    {
        _outbound.Dispose();
        _inbound.Dispose();
    }

    private byte[] NewMessage(in IkeHeader header, PayloadType payload, PayloadType firstInner, int payloadHeaderOctets, int innerOctets)
    {
        var length = IkeHeader.Size + payloadHeaderOctets + _outbound.IvOctets + PaddedOctets(innerOctets) + _outbound.IcvOctets;
        var message = new byte[length];
        (header with { NextPayload = payload, Length = (uint)length }).Write(message);
        message[IkeHeader.Size] = firstInner.Value;
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(IkeHeader.Size + sizeof(ushort)), checked((ushort)(length - IkeHeader.Size)));
        return message;
    }

    private byte[] Protect(byte[] message, int bodyOffset, ReadOnlySpan<byte> inner)
    {
        var iv = message.AsSpan(bodyOffset, _outbound.IvOctets);
        var plain = message.AsSpan(bodyOffset + iv.Length, PaddedOctets(inner.Length));
        inner.CopyTo(plain);
        plain[^1] = (byte)(plain.Length - inner.Length - PadLengthOctets);
        _outbound.Seal(iv, message.AsSpan(0, bodyOffset), plain, message.AsSpan(message.Length - _outbound.IcvOctets));
        return message;
    }

    private int PaddedOctets(int innerOctets)
    {
        var blocks = (innerOctets + PadLengthOctets + _outbound.BlockOctets - 1) / _outbound.BlockOctets;
        return blocks * _outbound.BlockOctets;
    }
}
