using Headend.Eap.Methods;

namespace Headend.TestKit.Eap;

/// <summary>The server's half of MS-CHAPv2 over RADIUS (RFC 2548, RFC 2759), for fakes.</summary>
public static class MsChapV2Judge
{
    /// <summary>Whether 24 octets of NT-Response prove the password.</summary>
    public static bool Proves(string password, string userName, ReadOnlySpan<byte> peerChallenge, ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> ntResponse)
    {
        Span<byte> hash = stackalloc byte[16];
        Span<byte> hashed = stackalloc byte[8];
        Span<byte> expected = stackalloc byte[24];
        MsChapV2.NtPasswordHash(password, hash);
        MsChapV2.ChallengeHash(peerChallenge, challenge, System.Text.Encoding.UTF8.GetBytes(userName), hashed);
        MsChapV2.NtResponse(hashed, hash, expected);
        return expected.SequenceEqual(ntResponse);
    }

    /// <summary>The new password out of its 516 encrypted octets (RFC 2759 8.9, 8.10), with RC4 written once more.</summary>
    public static string NewPassword(string oldPassword, ReadOnlySpan<byte> encrypted)
    {
        var key = new byte[16];
        MsChapV2.NtPasswordHash(oldPassword, key);
        var state = Enumerable.Range(0, 256).ToArray();
        for (int i = 0, j = 0; i < 256; i++)
        {
            j = (j + state[i] + key[i % 16]) % 256;
            (state[i], state[j]) = (state[j], state[i]);
        }

        var clear = encrypted.ToArray();
        for (int n = 0, i = 0, j = 0; n < clear.Length; n++)
        {
            i = (i + 1) % 256;
            j = (j + state[i]) % 256;
            (state[i], state[j]) = (state[j], state[i]);
            clear[n] ^= (byte)state[(state[i] + state[j]) % 256];
        }

        var length = BitConverter.ToInt32(clear.AsSpan(512));
        return System.Text.Encoding.Unicode.GetString(clear.AsSpan(512 - length, length));
    }
}
