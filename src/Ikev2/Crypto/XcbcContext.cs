using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>
/// AES-XCBC-MAC (RFC 3566 4) on top of CMAC. Both are CBC-MACs that differ in what is added to the last block: CMAC under K1 adds its own subkey, so that subkey is
/// added here once more, which cancels it, together with K2 (whole last block) or K3 (padded one). Not thread-safe.
/// </summary>
internal sealed class XcbcContext : IPrf
{
    private const int BlockOctets = 16;

    private readonly MacContext _chain;
    private readonly byte[] _wholeKey = new byte[BlockOctets];
    private readonly byte[] _paddedKey = new byte[BlockOctets];
    private readonly byte[] _last = new byte[BlockOctets];
    private int _lastOctets;

    /// <param name="key">16 octets.</param>
    public XcbcContext(ReadOnlySpan<byte> key)
    {
        Span<byte> chainKey = stackalloc byte[BlockOctets];
        Span<byte> subkey = stackalloc byte[BlockOctets];
        using (var aes = Aes.Create())
        {
            aes.SetKey(key);
            Encrypt(aes, 1, chainKey);
            Encrypt(aes, 2, _wholeKey);
            Encrypt(aes, 3, _paddedKey);
            aes.SetKey(chainKey);
            Encrypt(aes, 0, subkey);
        }

        Double(subkey);
        Add(_wholeKey, subkey);
        Add(_paddedKey, subkey);
        _chain = new MacContext(MacFunction.AesCmac, chainKey);
        CryptographicOperations.ZeroMemory(chainKey);
        CryptographicOperations.ZeroMemory(subkey);
    }

    public int OutputOctets => BlockOctets;

    public void Compute(ReadOnlySpan<byte> data, Span<byte> output)
    {
        Append(data);
        Finish(output);
    }

    public void Append(ReadOnlySpan<byte> part)
    {
        while (!part.IsEmpty)
        {
            // The last block is treated apart, so that a whole one waits until more follows.
            if (_lastOctets == BlockOctets)
            {
                _chain.Append(_last);
                _lastOctets = 0;
            }

            var taken = Math.Min(BlockOctets - _lastOctets, part.Length);
            part[..taken].CopyTo(_last.AsSpan(_lastOctets));
            _lastOctets += taken;
            part = part[taken..];
        }
    }

    public void Finish(Span<byte> output)
    {
        if (_lastOctets < BlockOctets)
        {
            _last.AsSpan(_lastOctets).Clear();
            _last[_lastOctets] = 0x80;
            Add(_last, _paddedKey);
        }
        else
        {
            Add(_last, _wholeKey);
        }

        _chain.Append(_last);
        _chain.Finish(output);
        _lastOctets = 0;
    }

    public void Dispose()
    {
        _chain.Dispose();
        CryptographicOperations.ZeroMemory(_wholeKey);
        CryptographicOperations.ZeroMemory(_paddedKey);
        CryptographicOperations.ZeroMemory(_last);
    }

    private static void Encrypt(Aes aes, byte constant, Span<byte> block)
    {
        Span<byte> input = stackalloc byte[BlockOctets];
        input.Fill(constant);
        aes.EncryptEcb(input, block, PaddingMode.None);
    }

    /// <summary>Multiplies by x in GF(2^128) (RFC 4493 2.3).</summary>
    private static void Double(Span<byte> block)
    {
        var carry = (byte)(block[0] >> 7);
        for (var i = 0; i < BlockOctets - 1; i++) block[i] = (byte)((block[i] << 1) | (block[i + 1] >> 7));
        block[^1] = (byte)((block[^1] << 1) ^ (0x87 * carry));
    }

    private static void Add(Span<byte> to, ReadOnlySpan<byte> other)
    {
        for (var i = 0; i < BlockOctets; i++) to[i] ^= other[i];
    }
}
