using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2;

/// <summary>One line of a profile's "match remote-identity".</summary>
public abstract record IdentityMatch
{
    public abstract bool Matches(IkeIdentity identity);

    /// <summary>Reads "any", "fqdn X", "fqdn-domain X", "email X", "email-domain X", "key-id X", "address A/B" or "dn X".</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out IdentityMatch? match)
    {
        ArgumentNullException.ThrowIfNull(text);
        match = null;
        if (string.Equals(text, "any", StringComparison.Ordinal))
        {
            match = new Any();
            return true;
        }

        var space = text.IndexOf(' ', StringComparison.Ordinal);
        if (space <= 0)
            return false;
        var rest = text[(space + 1)..].Trim();
        if (rest.Length == 0)
            return false;
        switch (text[..space])
        {
            case "fqdn-domain":
                match = new Domain(IdType.Fqdn, '.', rest);
                return true;
            case "email-domain":
                match = new Domain(IdType.Rfc822Address, '@', rest);
                return true;
            case "address" when IPNetwork.TryParse(rest, out var network):
                match = new Network(network);
                return true;
        }

        if (!IkeIdentity.TryParse(text, out var identity))
            return false;
        match = new Exact(identity);
        return true;
    }

    private sealed record Any : IdentityMatch
    {
        public override bool Matches(IkeIdentity identity) => true;
    }

    /// <summary>Names compare without case, as DNS does; everything else octet by octet.</summary>
    private sealed record Exact(IkeIdentity Identity) : IdentityMatch
    {
        public override bool Matches(IkeIdentity identity)
        {
            if (identity.Type != Identity.Type)
                return false;
            return identity.Type == IdType.Fqdn || identity.Type == IdType.Rfc822Address
                ? string.Equals(identity.Text, Identity.Text, StringComparison.OrdinalIgnoreCase)
                : identity.Equals(Identity);
        }
    }

    private sealed record Domain(IdType Type, char Separator, string Name) : IdentityMatch
    {
        public override bool Matches(IkeIdentity identity)
        {
            if (identity.Type != Type)
                return false;
            var text = Encoding.UTF8.GetString(identity.Value.Span);
            return text.Length > Name.Length + 1
                && text.EndsWith(Name, StringComparison.OrdinalIgnoreCase)
                && text[^(Name.Length + 1)] == Separator;
        }
    }

    private sealed record Network(IPNetwork Range) : IdentityMatch
    {
        public override bool Matches(IkeIdentity identity)
        {
            var length = identity.Value.Length;
            return (identity.Type == IdType.IPv4Address && length == 4 || identity.Type == IdType.IPv6Address && length == 16)
                && Range.Contains(new IPAddress(identity.Value.Span));
        }
    }
}
