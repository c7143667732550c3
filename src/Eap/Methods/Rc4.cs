namespace Headend.Eap.Methods;

/// <summary>RC4, which RFC 2759 8.9 encrypts a new password with; broken, and used for nothing else.</summary>
internal static class Rc4
{
    /// <summary>In place.</summary>
    public static void Apply(ReadOnlySpan<byte> key, Span<byte> data)
    {
        Span<byte> state = stackalloc byte[256];
        for (var i = 0; i < 256; i++)
            state[i] = (byte)i;
        var j = 0;
        for (var i = 0; i < 256; i++)
        {
            j = (j + state[i] + key[i % key.Length]) & 0xff;
            (state[i], state[j]) = (state[j], state[i]);
        }

        int a = 0, b = 0;
        for (var n = 0; n < data.Length; n++)
        {
            a = (a + 1) & 0xff;
            b = (b + state[a]) & 0xff;
            (state[a], state[b]) = (state[b], state[a]);
            data[n] ^= state[(state[a] + state[b]) & 0xff];
        }

        System.Security.Cryptography.CryptographicOperations.ZeroMemory(state);
    }
}
