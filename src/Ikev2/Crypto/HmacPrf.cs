using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>PRF_HMAC_SHA2_* (RFC 4868).</summary>
internal sealed class HmacPrf(PrfAlgorithm algorithm, ReadOnlySpan<byte> key) : IPrf
{
    private readonly IncrementalHash _hmac = IncrementalHash.CreateHMAC(algorithm.Hash, key);

    public int OutputOctets => _hmac.HashLengthInBytes;

    public void Compute(ReadOnlySpan<byte> data, Span<byte> output)
    {
        _hmac.AppendData(data);
        _hmac.GetHashAndReset(output);
    }

    public void Append(ReadOnlySpan<byte> part) => _hmac.AppendData(part);

    public void Finish(Span<byte> output) => _hmac.GetHashAndReset(output);

    public void Dispose() => _hmac.Dispose();
}
