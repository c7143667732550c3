using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>prf+ of RFC 7296 2.13: T1 | T2 | ..., Tn = prf(K, Tn-1 | S | n).</summary>
public static class PrfPlus
{
    /// <summary>Fills the output; at most 255 times the PRF's output (RFC 7296 2.13).</summary>
    /// <exception cref="ArgumentException">The output is longer than that.</exception>
    public static void Expand(IPrf prf, ReadOnlySpan<byte> seed, Span<byte> output)
    {
        if (output.Length > byte.MaxValue * prf.OutputOctets)
            throw new ArgumentException("longer than 255 outputs of the PRF", nameof(output));

        Span<byte> block = stackalloc byte[prf.OutputOctets];
        for (byte counter = 1; output.Length > 0; counter++)
        {
            if (counter > 1)
                prf.Append(block);
            prf.Append(seed);
            prf.Append([counter]);
            prf.Finish(block);
            var taken = Math.Min(block.Length, output.Length);
            block[..taken].CopyTo(output);
            output = output[taken..];
        }

        CryptographicOperations.ZeroMemory(block);
    }
}
