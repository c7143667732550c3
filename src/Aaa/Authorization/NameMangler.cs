using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Authorization;

/// <summary>
/// FlexVPN's name mangler: derives the name that AAA is asked for from the name that a peer goes by, by one rule for each kind of name. Immutable; a peer's octets never
/// cause an exception.
/// </summary>
/// <param name="Name">By which profiles refer to it.</param>
public sealed record NameMangler(string Name)
{
    private const string CommonNameId = "2.5.4.3";
    private const string CountryId = "2.5.4.6";
    private const string LocalityId = "2.5.4.7";
    private const string StateId = "2.5.4.8";
    private const string OrganizationId = "2.5.4.10";
    private const string OrganizationUnitId = "2.5.4.11";
    private const string DomainComponentId = "0.9.2342.19200300.100.1.25";

    /// <summary>For ID_FQDN, and for EAP identities of that form where there is no <see cref="Eap"/>.</summary>
    public NameRule? Fqdn { get; init; }

    /// <summary>For ID_RFC822_ADDR, and for EAP identities with an @ where there is no <see cref="Eap"/>.</summary>
    public NameRule? Email { get; init; }

    /// <summary>For ID_DER_ASN1_DN.</summary>
    public NameRule? DistinguishedName { get; init; }

    /// <summary>For the identity that EAP authenticated.</summary>
    public NameRule? Eap { get; init; }

    /// <summary>Derives the name.</summary>
    /// <param name="peer">Who it is.</param>
    /// <param name="name">1..253 octets without control characters: it goes into a User-Name (RFC 2865 5.1).</param>
    /// <param name="refusal">Why there is none.</param>
    public bool TryMangle(PeerName peer, [NotNullWhen(true)] out string? name, [NotNullWhen(false)] out string? refusal)
    {
        name = null;
        refusal = null;
        if (RuleFor(peer) is null && peer.Further.FirstOrDefault(n => RuleFor(n) is not null) is { } other)
            peer = other;
        if (RuleFor(peer) is not { } rule)
            refusal = $"name mangler {Name} has no rule for {peer}";
        else if (!TryTake(rule, peer, out name))
            refusal = $"name mangler {Name} finds no {Describe(rule)} in {peer}";
        else if (!IsName(name))
            refusal = $"what name mangler {Name} makes of {peer} is no user name";
        return refusal is null;
    }

    /// <summary>Whether a text can be the User-Name of a request.</summary>
    public static bool IsName(string text) =>
        text.Length > 0 && Encoding.UTF8.GetByteCount(text) <= RadiusPacket.MaximumValueLength && !text.Any(char.IsControl);

    private static bool TryTake(NameRule rule, PeerName peer, [NotNullWhen(true)] out string? name)
    {
        if (rule.OfDistinguishedName)
            return TryTakeField(rule.Part, peer, out name);
        var text = peer.Kind == PeerNameKind.Fqdn ? peer.Text.TrimEnd('.') : peer.Text;
        return rule.TryTake(text, IsFqdn(peer), out name);
    }

    private static bool IsFqdn(PeerName peer) => peer.Kind == PeerNameKind.Fqdn || (peer.Kind == PeerNameKind.Eap && !peer.Text.Contains('@') && !peer.Text.Contains('\\'));

    private NameRule? RuleFor(PeerName peer) => peer.Kind switch
    {
        PeerNameKind.Fqdn => Fqdn,
        PeerNameKind.Email => Email,
        PeerNameKind.DistinguishedName => DistinguishedName,
        PeerNameKind.Eap when Eap is not null => Eap,
        PeerNameKind.Eap when peer.Text.Contains('@') => Email,
        PeerNameKind.Eap when peer.Text.Contains('.') && IsFqdn(peer) => Fqdn,
        _ => null,
    };

    private static string Describe(NameRule rule) => rule.Part switch
    {
        NamePart.Prefix or NamePart.Suffix => $"'{rule.Delimiter}'",
        NamePart.CommonName => "common-name",
        NamePart.OrganizationUnit => "organization-unit",
        var part => part.ToString().ToLowerInvariant(),
    };

    private static bool TryTakeField(NamePart part, PeerName peer, [NotNullWhen(true)] out string? value)
    {
        value = null;
        var id = part switch
        {
            NamePart.CommonName => CommonNameId,
            NamePart.Country => CountryId,
            NamePart.Locality => LocalityId,
            NamePart.State => StateId,
            NamePart.Organization => OrganizationId,
            NamePart.OrganizationUnit => OrganizationUnitId,
            _ => DomainComponentId,
        };
        var fields = FieldsOf(peer).Where(f => f.Id == id).Select(f => f.Value).ToList();
        // The encoding leads from the root to the owner: the last one is nearest to it.
        if (fields.Count > 0)
            value = part == NamePart.Domain ? string.Join('.', Enumerable.Reverse(fields)) : fields[^1];
        return !string.IsNullOrEmpty(value);
    }

    private static List<(string Id, string Value)> FieldsOf(PeerName peer)
    {
        var fields = new List<(string, string)>();
        try
        {
            var name = peer.Kind == PeerNameKind.DistinguishedName ? new X500DistinguishedName(peer.Encoded.Span) : new X500DistinguishedName(peer.Text);
            foreach (var part in name.EnumerateRelativeDistinguishedNames(reversed: false))
            {
                if (!part.HasMultipleElements && part.GetSingleElementValue() is { } value)
                    fields.Add((part.GetSingleElementType().Value ?? "", value));
            }
        }
        catch (CryptographicException)
        {
            // No distinguished name, or one that breaks off: half of a name names somebody else.
            fields.Clear();
        }

        return fields;
    }
}
