using System.Security.Cryptography;

namespace Headend.Ikev2.Sa;

/// <summary>
/// By what a copy of a request is known again: length and SHA-256. The octets themselves are up to 24 KiB of a stranger's in each of thousands of half-open IKE SAs.
/// </summary>
internal sealed class RequestFingerprint
{
    private readonly int _length;
    private readonly byte[] _hash;

    private RequestFingerprint(ReadOnlySpan<byte> datagram)
    {
        _length = datagram.Length;
        _hash = SHA256.HashData(datagram);
    }

    public static RequestFingerprint Of(ReadOnlySpan<byte> datagram) => new(datagram);

    public bool Fits(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length != _length)
            return false;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(datagram, hash);
        return hash.SequenceEqual(_hash);
    }
}
