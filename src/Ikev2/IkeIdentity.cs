using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2;

/// <summary>An identity of RFC 7296 3.5: type and octets, compared as octets. Text is for people and AAA only.</summary>
public sealed class IkeIdentity : IEquatable<IkeIdentity>
{
    private readonly byte[] _value;

    // Parsed once: a keyring may compare one name with hundreds.
    private IReadOnlyList<(string Type, string Value)>? _nameParts;

    public IkeIdentity(IdType type, ReadOnlySpan<byte> value)
    {
        Type = type;
        _value = value.ToArray();
        Text = Describe(type, _value);
    }

    public IdType Type { get; }

    public ReadOnlyMemory<byte> Value => _value;

    /// <summary>The identity as text: "vpn.example.com", "10.0.0.1", "CN=...", hexadecimal where the octets are no text. Never with control characters.</summary>
    public string Text { get; }

    /// <summary>Reads "fqdn X", "email X", "address X", "key-id X", "dn X".</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out IkeIdentity? identity)
    {
        ArgumentNullException.ThrowIfNull(text);
        identity = null;
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        if (space <= 0 || space == text.Length - 1)
            return false;
        var rest = text[(space + 1)..].Trim();
        switch (text[..space])
        {
            case "fqdn":
                identity = new IkeIdentity(IdType.Fqdn, Encoding.UTF8.GetBytes(rest));
                return true;
            case "email":
                identity = new IkeIdentity(IdType.Rfc822Address, Encoding.UTF8.GetBytes(rest));
                return true;
            case "key-id":
                identity = new IkeIdentity(IdType.KeyId, Encoding.UTF8.GetBytes(rest));
                return true;
            case "address" when IPAddress.TryParse(rest, out var address):
                identity = new IkeIdentity(
                    address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? IdType.IPv4Address : IdType.IPv6Address, address.GetAddressBytes());
                return true;
            case "dn":
                identity = EncodeName(rest) is { } name ? new IkeIdentity(IdType.DerAsn1Dn, name) : null;
                return identity is not null;
            default:
                return false;
        }
    }

    /// <summary>The parts of a distinguished name, as it is encoded; null for other identities, empty for what is no name or has several values in one part.</summary>
    internal IReadOnlyList<(string Type, string Value)>? NameParts => Type != IdType.DerAsn1Dn ? null : _nameParts ??= Split(_value) ?? [];

    /// <summary>
    /// Whether this is the distinguished name of a certificate's subject: octet by octet, or part by part as RFC 5280 7.1 compares (without case, white space
    /// folded), since clients encode the same text in other string types. The empty name is nobody's.
    /// </summary>
    /// <param name="subject">DER.</param>
    public bool IsSubject(ReadOnlySpan<byte> subject)
    {
        if (Type != IdType.DerAsn1Dn)
            return false;
        var theirs = new IkeIdentity(IdType.DerAsn1Dn, subject).NameParts!;
        if (theirs.Count == 0 || NameParts!.Count != theirs.Count)
            return subject.Length > 2 && subject.SequenceEqual(_value);
        return NameParts.Zip(theirs).All(p => p.First.Type == p.Second.Type && string.Equals(p.First.Value, p.Second.Value, StringComparison.OrdinalIgnoreCase));
    }

    public bool Equals(IkeIdentity? other) => other is not null && Type == other.Type && _value.AsSpan().SequenceEqual(other._value);

    public override bool Equals(object? obj) => Equals(obj as IkeIdentity);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Type.Value);
        hash.AddBytes(_value);
        return hash.ToHashCode();
    }

    public override string ToString() => Text;

    private static string Describe(IdType type, byte[] value)
    {
        if (type == IdType.IPv4Address && value.Length == 4 || type == IdType.IPv6Address && value.Length == 16)
            return new IPAddress(value).ToString();
        if (type == IdType.DerAsn1Dn)
            return DescribeName(value);
        foreach (var octet in value)
        {
            if (octet is < 0x20 or > 0x7e)
                return Convert.ToHexStringLower(value);
        }

        return Encoding.ASCII.GetString(value);
    }

    private static byte[]? EncodeName(string text)
    {
        try
        {
            return new X500DistinguishedName(text).RawData;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static List<(string Type, string Value)>? Split(byte[] der)
    {
        try
        {
            var parts = new List<(string, string)>();
            foreach (var part in new X500DistinguishedName(der).EnumerateRelativeDistinguishedNames())
            {
                if (part.HasMultipleElements || part.GetSingleElementValue() is not { } value)
                    return null;
                parts.Add((part.GetSingleElementType().Value ?? "", string.Join(' ', value.Split(' ', StringSplitOptions.RemoveEmptyEntries))));
            }

            return parts;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static string DescribeName(byte[] value)
    {
        try
        {
            // The name is quoted where it must be, but control characters stand in it as they came; it goes to AAA and into logs before anybody is authenticated.
            var name = new X500DistinguishedName(value).Name;
            return name.Any(char.IsControl) ? Convert.ToHexStringLower(value) : name;
        }
        catch (CryptographicException)
        {
            return Convert.ToHexStringLower(value);
        }
    }
}
