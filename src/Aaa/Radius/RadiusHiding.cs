using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Headend.Aaa.Radius;

/// <summary>
/// The MD5 keystream that hides User-Password (RFC 2865 5.2) and, with a salt, Tunnel-Password (RFC 2868 3.5) and the MPPE keys (RFC 2548 2.4.2, 2.4.3).
/// Values are octets; none of them passes through a text encoding.
/// </summary>
public static class RadiusHiding
{
    private const int Block = 16;

    /// <summary>RFC 2865 5.2: a password has 1..128 octets and is padded with zeros to a multiple of 16.</summary>
    public const int MaximumUserPasswordLength = 128;

    /// <summary>Hides a User-Password into <paramref name="hidden"/>, whose length is that of the password rounded up to 16 (at least 16).</summary>
    public static void HideUserPassword(ReadOnlySpan<byte> password, ReadOnlySpan<byte> requestAuthenticator, RadiusSecret secret, Span<byte> hidden)
    {
        hidden.Clear();
        password.CopyTo(hidden);
        Encrypt(hidden, requestAuthenticator, [], secret);
    }

    public static int HiddenUserPasswordLength(int passwordLength) => Math.Max(Block, (passwordLength + Block - 1) / Block * Block);

    /// <summary>The password of a received Access-Request, its zero padding removed. False unless the value has 16..128 octets in whole blocks.</summary>
    public static bool TryRevealUserPassword(
        ReadOnlySpan<byte> hidden, ReadOnlySpan<byte> requestAuthenticator, RadiusSecret secret, [NotNullWhen(true)] out byte[]? password)
    {
        password = null;
        if (hidden.Length is < Block or > MaximumUserPasswordLength || hidden.Length % Block != 0) return false;
        var plain = hidden.ToArray();
        Decrypt(plain, requestAuthenticator, [], secret);
        password = plain.AsSpan().TrimEnd((byte)0).ToArray();
        CryptographicOperations.ZeroMemory(plain);
        return true;
    }

    /// <summary>RFC 2548 2.4.2/2.4.3: salt (2), then one length octet, the key and padding, encrypted. False on any length that does not add up.</summary>
    public static bool TryRevealSalted(
        ReadOnlySpan<byte> saltAndString, ReadOnlySpan<byte> requestAuthenticator, RadiusSecret secret, [NotNullWhen(true)] out byte[]? value)
    {
        value = null;
        if (saltAndString.Length < 2 + Block || (saltAndString.Length - 2) % Block != 0) return false;
        // RFC 2548 2.4.2: "The most significant bit (leftmost) of the Salt field MUST be set (1)." Servers that leave it clear exist and
        // the keystream does not depend on it, so it is not a reason to refuse.
        var plain = saltAndString[2..].ToArray();
        Decrypt(plain, requestAuthenticator, saltAndString[..2], secret);
        int length = plain[0];
        // Key plus length octet fill all blocks but the last one's padding; anything else is not a key that this secret hid.
        var fits = length <= plain.Length - 1 && plain.Length - 1 - length < Block;
        if (fits) value = plain.AsSpan(1, length).ToArray();
        CryptographicOperations.ZeroMemory(plain);
        return fits;
    }

    /// <summary>RFC 2868 3.5: Tunnel-Password always begins with a tag octet; one above 0x1F is ignored but is no part of the string.</summary>
    public static bool TryRevealTunnelPassword(
        ReadOnlySpan<byte> attributeValue, ReadOnlySpan<byte> requestAuthenticator, RadiusSecret secret, out byte tag, [NotNullWhen(true)] out byte[]? password)
    {
        tag = 0;
        password = null;
        if (attributeValue.Length < 1 + 2 + Block) return false;
        tag = attributeValue[0] <= 0x1F ? attributeValue[0] : (byte)0;
        return TryRevealSalted(attributeValue[1..], requestAuthenticator, secret, out password);
    }

    /// <summary>Salt-encrypts as RFC 2868 3.5 and RFC 2548 2.4.2 do; what a server sends. The salt's top bit is set here.</summary>
    /// <param name="value">0..239 octets.</param>
    /// <param name="salt">Unique within a packet.</param>
    /// <param name="requestAuthenticator">Of the request that is being answered.</param>
    /// <param name="secret">Shared with the receiver.</param>
    public static byte[] HideSalted(ReadOnlySpan<byte> value, ushort salt, ReadOnlySpan<byte> requestAuthenticator, RadiusSecret secret)
    {
        if (value.Length > 239) throw new ArgumentException("A salted value has at most 239 octets.", nameof(value));
        var hidden = new byte[2 + (1 + value.Length + Block - 1) / Block * Block];
        BinaryPrimitives.WriteUInt16BigEndian(hidden, (ushort)(salt | 0x8000));
        hidden[2] = (byte)value.Length;
        value.CopyTo(hidden.AsSpan(3));
        Encrypt(hidden.AsSpan(2), requestAuthenticator, hidden.AsSpan(0, 2), secret);
        return hidden;
    }

    /// <summary>b(1) = MD5(S + RA [+ salt]), b(i) = MD5(S + c(i-1)); c(i) = p(i) xor b(i).</summary>
    private static void Encrypt(Span<byte> text, ReadOnlySpan<byte> authenticator, ReadOnlySpan<byte> salt, RadiusSecret secret)
    {
        Span<byte> key = stackalloc byte[Block];
        for (var at = 0; at < text.Length; at += Block)
        {
            if (at == 0) Keystream(secret, authenticator, salt, key);
            else Keystream(secret, text.Slice(at - Block, Block), [], key);
            Xor(text.Slice(at, Block), key);
        }
        CryptographicOperations.ZeroMemory(key);
    }

    private static void Decrypt(Span<byte> text, ReadOnlySpan<byte> authenticator, ReadOnlySpan<byte> salt, RadiusSecret secret)
    {
        Span<byte> key = stackalloc byte[Block];
        // Backwards: the keystream of a block comes from the cipher text before it.
        for (var at = text.Length - Block; at >= 0; at -= Block)
        {
            if (at == 0) Keystream(secret, authenticator, salt, key);
            else Keystream(secret, text.Slice(at - Block, Block), [], key);
            Xor(text.Slice(at, Block), key);
        }
        CryptographicOperations.ZeroMemory(key);
    }

    private static void Keystream(RadiusSecret secret, ReadOnlySpan<byte> previous, ReadOnlySpan<byte> salt, Span<byte> key)
    {
        var octets = secret.Octets;
        Span<byte> input = stackalloc byte[octets.Length + previous.Length + salt.Length];
        octets.CopyTo(input);
        previous.CopyTo(input[octets.Length..]);
        salt.CopyTo(input[(octets.Length + previous.Length)..]);
        MD5.HashData(input, key);
        CryptographicOperations.ZeroMemory(input);
    }

    private static void Xor(Span<byte> text, ReadOnlySpan<byte> key)
    {
        for (var i = 0; i < Block; i++) text[i] ^= key[i];
    }
}
