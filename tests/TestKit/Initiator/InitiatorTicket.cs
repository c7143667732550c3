using System.Security.Cryptography;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.TestKit.Initiator;

/// <summary>What a client keeps to resume its session with (RFC 5723 5).</summary>
/// <param name="Octets">The ticket.</param>
/// <param name="Lifetime">As the headend told.</param>
/// <param name="Suite">Algorithms of the IKE SA that it is of.</param>
/// <param name="SkD">Of that IKE SA.</param>
/// <param name="ServerIdentity">IDr, as it was proven.</param>
public sealed record InitiatorTicket(byte[] Octets, TimeSpan Lifetime, IkeSuite Suite, byte[] SkD, IkeIdentity ServerIdentity)
{
    /// <summary>
    /// RFC 5723 5.1, by the base library's HMAC alone, so that client and headend do not agree in a mistake:
    /// SKEYSEED = prf(SK_d_old, "Resumption" | Ni | Nr), {SK_d | SK_ai | ...} = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr). HMAC PRFs only.
    /// </summary>
    public IkeKeys Derive(ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr, IkeSpi initiator, IkeSpi responder)
    {
        var seed = Hmac(SkD, [.. "Resumption"u8, .. ni, .. nr]);
        byte[] input = [.. ni, .. nr, .. Octet(initiator), .. Octet(responder)];
        var (prf, integrity, encryption) = (Suite.Prf.KeyOctets, Suite.Integrity?.KeyOctets ?? 0, Suite.Encryption.KeyMaterialOctets);
        var stream = new List<byte>();
        byte[] block = [];
        for (byte i = 1; stream.Count < (3 * prf) + (2 * (integrity + encryption)); i++)
        {
            block = Hmac(seed, [.. block, .. input, i]);
            stream.AddRange(block);
        }

        var at = 0;
        byte[] Take(int count) => [.. stream.GetRange((at += count) - count, count)];
        return new IkeKeys
        {
            SkD = Take(prf),
            SkAi = Take(integrity),
            SkAr = Take(integrity),
            SkEi = Take(encryption),
            SkEr = Take(encryption),
            SkPi = Take(prf),
            SkPr = Take(prf),
        };
    }

    /// <summary>RFC 5723 4.3.3: AUTH = prf(SK_px, message | nonce | prf(SK_px, ID')).</summary>
    public byte[] Authenticate(byte[] skP, ReadOnlySpan<byte> message, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> idBody) =>
        Hmac(skP, [.. message, .. nonce, .. Hmac(skP, idBody)]);

    private static byte[] Octet(IkeSpi spi)
    {
        var octets = BitConverter.GetBytes(spi.Value);
        Array.Reverse(octets);
        return octets;
    }

    private byte[] Hmac(byte[] key, ReadOnlySpan<byte> data) => Suite.Prf.Id switch
    {
        5 => HMACSHA256.HashData(key, data),
        6 => HMACSHA384.HashData(key, data),
        7 => HMACSHA512.HashData(key, data),
        _ => throw new NotSupportedException($"PRF {Suite.Prf}"),
    };
}
