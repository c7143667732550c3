using System.Security.Cryptography;
using System.Text;

namespace Headend.Eap.Methods;

/// <summary>The arithmetic of MS-CHAP-V2 (RFC 2759 8) and its keys (RFC 3079 3). Pure; both roles use it.</summary>
internal static class MsChapV2
{
    public const int HashLength = 16;
    public const int ChallengeLength = 16;
    public const int NtResponseLength = 24;

    /// <summary>"S=" and 40 hexadecimal digits.</summary>
    public const int AuthenticatorResponseLength = 42;

    public const int MskLength = 64;

    /// <summary>RFC 2759 8.3: "0-to-256-unicode-char Password".</summary>
    public const int MaxPasswordChars = 256;

    private static ReadOnlySpan<byte> ServerSigning => "Magic server to client signing constant"u8;

    private static ReadOnlySpan<byte> PadToMakeItDo => "Pad to make it do more than one iteration"u8;

    private static ReadOnlySpan<byte> MasterKeyMagic => "This is the MPPE Master Key"u8;

    private static ReadOnlySpan<byte> ServerReceiveMagic =>
        "On the client side, this is the send key; on the server side, it is the receive key."u8;

    private static ReadOnlySpan<byte> ServerSendMagic =>
        "On the client side, this is the receive key; on the server side, it is the send key."u8;

    /// <summary>NtPasswordHash (RFC 2759 8.3): MD4 of the password in UTF-16LE. Over 256 characters: ArgumentException.</summary>
    public static void NtPasswordHash(ReadOnlySpan<char> password, Span<byte> hash)
    {
        if (password.Length > MaxPasswordChars)
            throw new ArgumentException($"A password has at most {MaxPasswordChars} characters.", nameof(password));
        Span<byte> unicode = stackalloc byte[2 * MaxPasswordChars];
        var length = Encoding.Unicode.GetBytes(password, unicode);
        Md4.Hash(unicode[..length], hash);
        CryptographicOperations.ZeroMemory(unicode);
    }

    /// <summary>ChallengeHash (RFC 2759 8.2): 8 octets over both challenges and the user name.</summary>
    public static void ChallengeHash(
        ReadOnlySpan<byte> peerChallenge, ReadOnlySpan<byte> authenticatorChallenge, ReadOnlySpan<byte> userName, Span<byte> challenge)
    {
        Span<byte> digest = stackalloc byte[SHA1.HashSizeInBytes];
        Sha1(digest, peerChallenge, authenticatorChallenge, userName);
        digest[..8].CopyTo(challenge);
    }

    /// <summary>ChallengeResponse (RFC 2759 8.5): the 24 octets NT-Response.</summary>
    public static void NtResponse(ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> ntHash, Span<byte> response)
    {
        // RFC 2759 8.5: the hash padded with zeros to 21 octets makes three DES keys.
        Span<byte> keys = stackalloc byte[3 * Des.KeyLength];
        keys.Clear();
        ntHash[..HashLength].CopyTo(keys);
        for (var i = 0; i < 3; i++)
            Des.Encrypt(keys.Slice(i * Des.KeyLength, Des.KeyLength), challenge, response.Slice(i * Des.BlockLength, Des.BlockLength));
        CryptographicOperations.ZeroMemory(keys);
    }

    /// <summary>GenerateAuthenticatorResponse (RFC 2759 8.7): "S=" and 40 upper-case hexadecimal digits, ASCII.</summary>
    public static void AuthenticatorResponse(
        ReadOnlySpan<byte> ntHash, ReadOnlySpan<byte> ntResponse, ReadOnlySpan<byte> challenge, Span<byte> response)
    {
        Span<byte> hashHash = stackalloc byte[HashLength];
        Span<byte> digest = stackalloc byte[SHA1.HashSizeInBytes];
        Md4.Hash(ntHash, hashHash);
        Sha1(digest, hashHash, ntResponse, ServerSigning);
        Sha1(digest, digest, challenge, PadToMakeItDo);
        "S="u8.CopyTo(response);
        Convert.TryToHexString(digest, response[2..], out _);
        CryptographicOperations.ZeroMemory(hashHash);
    }

    /// <summary>
    /// The MSK of EAP-MSCHAPv2, 64 octets: the authenticator's MasterReceiveKey (RFC 3079 3.4), its MasterSendKey and 32 zero octets, as
    /// strongSwan, FreeRADIUS and Windows form it. Both roles get the same value.
    /// </summary>
    public static byte[] DeriveMsk(ReadOnlySpan<byte> ntHash, ReadOnlySpan<byte> ntResponse)
    {
        Span<byte> hashHash = stackalloc byte[HashLength];
        Span<byte> master = stackalloc byte[SHA1.HashSizeInBytes];
        Md4.Hash(ntHash, hashHash);
        Sha1(master, hashHash, ntResponse, MasterKeyMagic);
        var msk = new byte[MskLength];
        AsymmetricStartKey(master[..HashLength], ServerReceiveMagic, msk);
        AsymmetricStartKey(master[..HashLength], ServerSendMagic, msk.AsSpan(HashLength));
        CryptographicOperations.ZeroMemory(hashHash);
        CryptographicOperations.ZeroMemory(master);
        return msk;
    }

    /// <summary>GetAsymmetricStartKey (RFC 3079 3.4) for a session key of 16 octets.</summary>
    public static void AsymmetricStartKey(ReadOnlySpan<byte> masterKey, ReadOnlySpan<byte> magic, Span<byte> key)
    {
        Span<byte> pads = stackalloc byte[80];
        pads[..40].Clear();
        pads[40..].Fill(0xf2);
        Span<byte> digest = stackalloc byte[SHA1.HashSizeInBytes];
        Sha1(digest, masterKey, pads[..40], magic, pads[40..]);
        digest[..HashLength].CopyTo(key);
        CryptographicOperations.ZeroMemory(digest);
    }

    /// <summary>The name after the first backslash: RFC 2759 4 and 8.2 hash the user name without a Windows domain.</summary>
    public static string WithoutDomain(string userName) => userName[(userName.IndexOf('\\') + 1)..];

    // The longest input is key, two pads and magic: 16 + 40 + 84 + 40; a name may have 253 octets behind 32 of challenge.
    private static void Sha1(
        Span<byte> digest, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third, ReadOnlySpan<byte> fourth = default)
    {
        Span<byte> input = stackalloc byte[512];
        var length = first.Length + second.Length + third.Length + fourth.Length;
        first.CopyTo(input);
        second.CopyTo(input[first.Length..]);
        third.CopyTo(input[(first.Length + second.Length)..]);
        fourth.CopyTo(input[(first.Length + second.Length + third.Length)..]);
        SHA1.HashData(input[..length], digest);
        CryptographicOperations.ZeroMemory(input);
    }
}
