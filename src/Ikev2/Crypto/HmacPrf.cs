namespace Headend.Ikev2.Crypto;

/// <summary>PRF_HMAC_SHA2_* (RFC 4868).</summary>
internal sealed class HmacPrf(PrfAlgorithm algorithm, ReadOnlySpan<byte> key) : IPrf
{
    private readonly HmacContext _hmac = new(algorithm.Hash, key);

    public int OutputOctets => _hmac.OutputOctets;

    public void Compute(ReadOnlySpan<byte> data, Span<byte> output)
    {
        _hmac.Append(data);
        _hmac.Finish(output);
    }

    public void Append(ReadOnlySpan<byte> part) => _hmac.Append(part);

    public void Finish(Span<byte> output) => _hmac.Finish(output);

    public void Dispose() => _hmac.Dispose();
}
