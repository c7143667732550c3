using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Headend.Eap.Methods;

namespace Headend.Eap;

/// <summary>
/// Proofs of a password that the headend has in clear text, for RADIUS: what the client of CHAP or MS-CHAPv2 would have computed, so that the password itself stays here.
/// </summary>
public static class PasswordProof
{
    /// <summary>Octets of the value of MS-CHAP2-Response (RFC 2548 2.3.2): identifier, flags, peer challenge, reserved, response.</summary>
    public const int ResponseLength = 50;

    /// <summary>Octets of the value of MS-CHAP2-CPW (RFC 2548 2.3.4).</summary>
    public const int ChangeLength = 68;

    /// <summary>Octets of a new password encrypted with the old one's hash (RFC 2759 8.9).</summary>
    public const int EncryptedPasswordLength = 516;

    private const byte Identifier = 1;
    private const byte ChangePasswordCode = 7;

    /// <summary>CHAP (RFC 2865 5.3): identifier and MD5 over identifier, password and challenge; 17 octets.</summary>
    public static byte[] Chap(ReadOnlySpan<byte> password, ReadOnlySpan<byte> challenge)
    {
        var input = new byte[1 + password.Length + challenge.Length];
        input[0] = Identifier;
        password.CopyTo(input.AsSpan(1));
        challenge.CopyTo(input.AsSpan(1 + password.Length));
        byte[] value = [Identifier, .. MD5.HashData(input)];
        CryptographicOperations.ZeroMemory(input);
        return value;
    }

    /// <summary>MS-CHAP2-Response for a challenge of 16 octets that the headend chose.</summary>
    /// <param name="userName">A Windows domain before it is not hashed.</param>
    /// <param name="password">UTF-8 of at most 256 characters.</param>
    /// <param name="challenge">Authenticator challenge.</param>
    /// <param name="random">For the peer challenge.</param>
    public static byte[] MsChapV2Response(string userName, ReadOnlySpan<byte> password, ReadOnlySpan<byte> challenge, EapRandom random)
    {
        Span<byte> hash = stackalloc byte[MsChapV2.HashLength];
        HashOf(password, hash);
        var value = new byte[ResponseLength];
        value[0] = Identifier;
        Respond(userName, hash, challenge, random, value.AsSpan(2));
        CryptographicOperations.ZeroMemory(hash);
        return value;
    }

    /// <summary>Changes an expired password (RFC 2759 7): MS-CHAP2-CPW and the new password, encrypted with the hash of the old.</summary>
    public static (byte[] Change, byte[] EncryptedPassword) MsChapV2Change(
        string userName, ReadOnlySpan<byte> oldPassword, ReadOnlySpan<byte> newPassword, ReadOnlySpan<byte> challenge, EapRandom random)
    {
        Span<byte> oldHash = stackalloc byte[MsChapV2.HashLength];
        Span<byte> newHash = stackalloc byte[MsChapV2.HashLength];
        HashOf(oldPassword, oldHash);
        HashOf(newPassword, newHash);
        var encrypted = new byte[EncryptedPasswordLength];
        random(encrypted.AsSpan(0, 512));
        Span<char> characters = stackalloc char[MsChapV2.MaxPasswordChars];
        var length = Encoding.UTF8.GetChars(newPassword, characters);
        Encoding.Unicode.GetBytes(characters[..length], encrypted.AsSpan(512 - (2 * length)));
        BinaryPrimitives.WriteInt32LittleEndian(encrypted.AsSpan(512), 2 * length);
        Rc4.Apply(oldHash, encrypted);

        // RFC 2759 8.13: each half of the old hash under a DES key of seven octets of the new one.
        var change = new byte[ChangeLength];
        change[0] = ChangePasswordCode;
        change[1] = Identifier;
        Des.Encrypt(newHash[..7], oldHash[..8], change.AsSpan(2, 8));
        Des.Encrypt(newHash[7..14], oldHash[8..], change.AsSpan(10, 8));
        Respond(userName, newHash, challenge, random, change.AsSpan(18));
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(characters));
        CryptographicOperations.ZeroMemory(oldHash);
        CryptographicOperations.ZeroMemory(newHash);
        return (change, encrypted);
    }

    private static void Respond(string userName, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> challenge, EapRandom random, Span<byte> value)
    {
        var peerChallenge = value[..MsChapV2.ChallengeLength];
        random(peerChallenge);
        Span<byte> hashed = stackalloc byte[8];
        MsChapV2.ChallengeHash(peerChallenge, challenge, Encoding.UTF8.GetBytes(MsChapV2.WithoutDomain(userName)), hashed);
        MsChapV2.NtResponse(hashed, hash, value.Slice(24, MsChapV2.NtResponseLength));
    }

    private static void HashOf(ReadOnlySpan<byte> password, Span<byte> hash)
    {
        Span<char> characters = stackalloc char[MsChapV2.MaxPasswordChars];
        var length = Encoding.UTF8.GetChars(password, characters);
        MsChapV2.NtPasswordHash(characters[..length], hash);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(characters));
    }
}
