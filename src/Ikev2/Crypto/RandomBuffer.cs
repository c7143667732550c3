using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>
/// Random octets of the system's generator, drawn some hundred at a time by each thread: a login needs a dozen small ones, and the generator's price is by the call.
/// What was handed out is zeroed here.
/// </summary>
internal static class RandomBuffer
{
    private const int Octets = 512;

    [ThreadStatic]
    private static byte[]? s_buffer;

    [ThreadStatic]
    private static int s_left;

    public static void Fill(Span<byte> destination)
    {
        if (destination.Length > Octets / 4)
        {
            RandomNumberGenerator.Fill(destination);
            return;
        }

        var buffer = s_buffer ??= GC.AllocateUninitializedArray<byte>(Octets, pinned: true);
        if (s_left < destination.Length)
        {
            RandomNumberGenerator.Fill(buffer);
            s_left = Octets;
        }

        s_left -= destination.Length;
        var taken = buffer.AsSpan(s_left, destination.Length);
        taken.CopyTo(destination);
        taken.Clear();
    }
}
