using System.Security.Cryptography;
using System.Text;

namespace Headend.Configuration;

/// <summary>A secret in octets. <see cref="ToString"/> never shows it; <see cref="Dispose"/> zeroes it.</summary>
internal sealed class SecretOptions : IDisposable, IEquatable<SecretOptions>
{
    private readonly byte[] octets;

    public SecretOptions(ReadOnlySpan<byte> octets) => this.octets = octets.ToArray();

    public ReadOnlySpan<byte> Octets => octets;

    public int Length => octets.Length;

    public static SecretOptions FromText(string text) => new(Encoding.UTF8.GetBytes(text));

    public bool Equals(SecretOptions? other) => other is not null && CryptographicOperations.FixedTimeEquals(octets, other.octets);

    public override bool Equals(object? obj) => Equals(obj as SecretOptions);

    // The length alone, so that no hash of a secret travels through a dictionary or a dump.
    public override int GetHashCode() => octets.Length;

    public override string ToString() => "(secret)";

    public void Dispose() => CryptographicOperations.ZeroMemory(octets);
}
