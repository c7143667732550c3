using System.Security.Cryptography;
using System.Text;

namespace Headend.Aaa.Radius;

/// <summary>
/// A secret shared with a RADIUS server, as octets. Zeroed on disposal; never printed. Owned by whoever created it, which must outlive the client that uses it.
/// </summary>
public sealed class RadiusSecret : IDisposable
{
    /// <summary>RFC 2865 3: "It is preferred that the secret be at least 16 octets."</summary>
    public const int RecommendedLength = 16;

    /// <summary>Bounds the stack space of the digests over packet and secret.</summary>
    public const int MaximumLength = 256;

    private readonly byte[] octets;

    /// <param name="octets">1..256 octets, copied.</param>
    public RadiusSecret(ReadOnlySpan<byte> octets)
    {
        // RFC 2865 3: "The secret MUST NOT be empty (length 0) since this would allow for packets to be trivially forged."
        if (octets.Length is 0 or > MaximumLength) throw new ArgumentException($"A RADIUS secret has 1..{MaximumLength} octets.", nameof(octets));
        this.octets = octets.ToArray();
    }

    public static RadiusSecret FromText(string text) => new(Encoding.UTF8.GetBytes(text));

    /// <summary>Shorter than RFC 2865 prefers: worth a warning at start-up.</summary>
    public bool IsShort => octets.Length < RecommendedLength;

    internal ReadOnlySpan<byte> Octets => octets;

    public void Dispose() => CryptographicOperations.ZeroMemory(octets);

    public override string ToString() => "RadiusSecret";
}
