using System.Net;

namespace Headend.Configuration;

internal enum IdentityPatternKind
{
    Any,
    Fqdn,
    FqdnDomain,
    Email,
    EmailDomain,
    KeyId,
    Address,
}

/// <summary>What a profile asks of the peer's IDi. <see cref="Value"/> is the text after the kind (lower case for names), empty for <c>any</c> and <c>address</c>.</summary>
internal sealed record IdentityPatternOptions(IdentityPatternKind Kind, string Value, IPNetwork Network)
{
    public static IdentityPatternOptions Any { get; } = new(IdentityPatternKind.Any, "", default);

    /// <summary>Whether an ID_FQDN fits; DNS names compare without case.</summary>
    public bool MatchesFqdn(string name) => Kind switch
    {
        IdentityPatternKind.Any => true,
        IdentityPatternKind.Fqdn => name.Equals(Value, StringComparison.OrdinalIgnoreCase),
        IdentityPatternKind.FqdnDomain => IsInDomain(name, Value),
        _ => false,
    };

    /// <summary>Whether an ID_RFC822_ADDR fits; the part before the @ compares with case, the domain without.</summary>
    public bool MatchesEmail(string address)
    {
        if (Kind == IdentityPatternKind.Any)
            return true;
        var at = address.LastIndexOf('@');
        if (at < 1)
            return false;
        var domain = address[(at + 1)..];
        if (Kind == IdentityPatternKind.EmailDomain)
            return domain.Equals(Value, StringComparison.OrdinalIgnoreCase) || IsInDomain(domain, Value);
        return Kind == IdentityPatternKind.Email
            && address.AsSpan(0, at + 1).SequenceEqual(Value.AsSpan(0, Value.LastIndexOf('@') + 1))
            && domain.Equals(Value[(Value.LastIndexOf('@') + 1)..], StringComparison.OrdinalIgnoreCase);
    }

    public bool MatchesKeyId(string keyId) => Kind == IdentityPatternKind.Any || (Kind == IdentityPatternKind.KeyId && keyId == Value);

    public bool MatchesAddress(IPAddress address) =>
        Kind == IdentityPatternKind.Any || (Kind == IdentityPatternKind.Address && Network.Contains(address));

    private static bool IsInDomain(string name, string domain) =>
        name.Length > domain.Length + 1
        && name.EndsWith(domain, StringComparison.OrdinalIgnoreCase)
        && name[name.Length - domain.Length - 1] == '.';
}

internal enum LocalIdentityKind
{
    Fqdn,
    Email,
    Address,
    KeyId,
}

/// <summary>What the headend sends as IDr. <see cref="Address"/> is set for the kind <c>address</c> only.</summary>
internal sealed record LocalIdentityOptions(LocalIdentityKind Kind, string Value, IPAddress? Address);
