using System.Buffers.Binary;
using System.Security.Cryptography;
using Headend.TestKit.Initiator;

namespace Headend.Load;

/// <summary>The client's side of a pair of ESP SAs with AES-GCM (RFC 4303, RFC 4106), of our own and not the gateway's.</summary>
internal sealed class ClientEsp : IDisposable
{
    /// <summary>Octets that <see cref="Seal"/> adds at most.</summary>
    public const int MostOverhead = EspHeader + IvOctets + MostPadding + TrailerOctets + IcvOctets;

    private const int EspHeader = 8, IvOctets = 8, IcvOctets = 16, SaltOctets = 4, MostPadding = 3, TrailerOctets = 2;
    private const byte NextHeaderIpv4 = 4;

    private readonly AesGcm _inbound;
    private readonly AesGcm _outbound;
    private readonly byte[] _inboundSalt;
    private readonly byte[] _outboundSalt;
    private readonly bool _extended;
    private readonly byte[] _plain = new byte[66_000];
    private uint _sequence;

    /// <exception cref="InvalidOperationException">Another algorithm.</exception>
    public ClientEsp(InitiatorChildSa child)
    {
        if (child.InboundIntegrityKey.Length > 0)
            throw new InvalidOperationException("packets inside want --esp aes256gcm16");
        (InboundSpi, OutboundSpi, _extended) = (child.InboundSpi, child.OutboundSpi, child.Suite.Esn);
        _inbound = new AesGcm(child.InboundEncryptionKey.AsSpan()[..^SaltOctets], IcvOctets);
        _outbound = new AesGcm(child.OutboundEncryptionKey.AsSpan()[..^SaltOctets], IcvOctets);
        _inboundSalt = child.InboundEncryptionKey[^SaltOctets..];
        _outboundSalt = child.OutboundEncryptionKey[^SaltOctets..];
    }

    public uint InboundSpi { get; }

    public uint OutboundSpi { get; }

    /// <summary>Seals an IPv4 packet.</summary>
    /// <returns>The octets of <paramref name="datagram"/> that it takes.</returns>
    public int Seal(ReadOnlySpan<byte> packet, Span<byte> datagram)
    {
        // RFC 4303 2.4: padding 1, 2, 3, so that the whole is of four octets.
        var padding = -(packet.Length + TrailerOctets) & MostPadding;
        var plain = _plain.AsSpan(0, packet.Length + padding + TrailerOctets);
        packet.CopyTo(plain);
        for (var i = 0; i < padding; i++)
            plain[packet.Length + i] = (byte)(i + 1);
        plain[^2] = (byte)padding;
        plain[^1] = NextHeaderIpv4;

        datagram = datagram[..(EspHeader + IvOctets + plain.Length + IcvOctets)];
        BinaryPrimitives.WriteUInt32BigEndian(datagram, OutboundSpi);
        BinaryPrimitives.WriteUInt32BigEndian(datagram[4..], ++_sequence);
        BinaryPrimitives.WriteUInt64BigEndian(datagram[EspHeader..], _sequence);
        Span<byte> nonce = [.. _outboundSalt, .. datagram.Slice(EspHeader, IvOctets)];
        _outbound.Encrypt(nonce, plain, datagram.Slice(EspHeader + IvOctets, plain.Length), datagram[^IcvOctets..], Authenticated(datagram));
        return datagram.Length;
    }

    /// <summary>Opens a datagram of this SA. False when it is not authentic or holds no IPv4 packet.</summary>
    /// <param name="datagram">ESP from its SPI on.</param>
    /// <param name="packet">Valid until the next call.</param>
    public bool TryOpen(ReadOnlySpan<byte> datagram, out ReadOnlySpan<byte> packet)
    {
        packet = default;
        if (datagram.Length < EspHeader + IvOctets + TrailerOctets + IcvOctets || BinaryPrimitives.ReadUInt32BigEndian(datagram) != InboundSpi)
            return false;
        var sealedOctets = datagram[(EspHeader + IvOctets)..^IcvOctets];
        var plain = _plain.AsSpan(0, sealedOctets.Length);
        Span<byte> nonce = [.. _inboundSalt, .. datagram.Slice(EspHeader, IvOctets)];
        try
        {
            _inbound.Decrypt(nonce, sealedOctets, datagram[^IcvOctets..], plain, Authenticated(datagram));
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        var length = plain.Length - TrailerOctets - plain[^2];
        if (plain[^1] != NextHeaderIpv4 || length < 0)
            return false;
        packet = plain[..length];
        return true;
    }

    public void Dispose()
    {
        _inbound.Dispose();
        _outbound.Dispose();
    }

    // RFC 4106 5: SPI and sequence number, of an extended one all 64 bits, whose upper half is zero here.
    private byte[] Authenticated(ReadOnlySpan<byte> datagram) => _extended ? [.. datagram[..4], 0, 0, 0, 0, .. datagram[4..EspHeader]] : [.. datagram[..EspHeader]];
}
