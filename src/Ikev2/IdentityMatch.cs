using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2;

/// <summary>One line of a profile's match, or of a keyring's peer.</summary>
public abstract record IdentityMatch
{
    /// <summary>As it was written.</summary>
    public string Text { get; private init; } = "";

    /// <summary>
    /// How narrow it is: an exact identity above any network, a network above a domain, each by its length, and "any" lowest. Orders the peers of a keyring.
    /// </summary>
    public abstract int Specificity { get; }

    /// <summary>"any".</summary>
    public bool MatchesAll => this is Any;

    public abstract bool Matches(IkeIdentity identity);

    /// <summary>Reads "any", "fqdn X", "fqdn-domain X", "email X", "email-domain X", "key-id X", "address A/B" or "dn X".</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out IdentityMatch? match)
    {
        ArgumentNullException.ThrowIfNull(text);
        match = Read(text);
        if (match is not null)
            match = match with { Text = text };
        return match is not null;
    }

    private static IdentityMatch? Read(string text)
    {
        if (string.Equals(text, "any", StringComparison.Ordinal))
            return new Any();
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        if (space <= 0 || text[(space + 1)..].Trim() is not { Length: > 0 } rest)
            return null;
        switch (text[..space])
        {
            case "fqdn-domain":
                return new Domain(IdType.Fqdn, Encoding.UTF8.GetBytes($".{rest}"));
            case "email-domain":
                return new Domain(IdType.Rfc822Address, Encoding.UTF8.GetBytes($"@{rest}"));
            case "address" when IPNetwork.TryParse(rest, out var network):
                return new Network(network);
            case "dn":
                return NamePattern.TryParse(rest);
            default:
                return IkeIdentity.TryParse(text, out var identity) ? new Exact(identity) : null;
        }
    }

    private sealed record Any : IdentityMatch
    {
        public override int Specificity => 0;

        public override bool Matches(IkeIdentity identity) => true;
    }

    /// <summary>Names compare without case, as DNS does; everything else octet by octet. Cisco AnyConnect may give a key-id the private type 201.</summary>
    private sealed record Exact(IkeIdentity Identity) : IdentityMatch
    {
        public override int Specificity => 3_000;

        public override bool Matches(IkeIdentity identity)
        {
            if (identity.Equals(Identity))
                return true;
            if (identity.Type == IdType.CiscoGroup && Identity.Type == IdType.KeyId)
                return identity.Value.Span.SequenceEqual(Identity.Value.Span);
            return identity.Type == Identity.Type
                && (identity.Type == IdType.Fqdn || identity.Type == IdType.Rfc822Address)
                && Ascii.EqualsIgnoreCase(identity.Value.Span, Identity.Value.Span);
        }
    }

    /// <summary>Names that end in <paramref name="Tail"/>, separator and domain, and have something before it.</summary>
    private sealed record Domain(IdType Type, ReadOnlyMemory<byte> Tail) : IdentityMatch
    {
        public override int Specificity => 1_000 + Tail.Length;

        public override bool Matches(IkeIdentity identity)
        {
            var name = identity.Value.Span;
            return identity.Type == Type && name.Length > Tail.Length && Ascii.EqualsIgnoreCase(name[^Tail.Length..], Tail.Span);
        }
    }

    private sealed record Network(IPNetwork Range) : IdentityMatch
    {
        public override int Specificity => 2_000 + Range.PrefixLength;

        public override bool Matches(IkeIdentity identity)
        {
            var length = identity.Value.Length;
            return (identity.Type == IdType.IPv4Address && length == 4 || identity.Type == IdType.IPv6Address && length == 16)
                && Range.Contains(new IPAddress(identity.Value.Span));
        }
    }

    /// <summary>
    /// A distinguished name, part by part in order: clients choose other string types than we for the same text, so octets cannot be compared (RFC 5280 7.1:
    /// without case, white space folded). "*" stands for any one value.
    /// </summary>
    private sealed record NamePattern(IReadOnlyList<(string Type, string Value)> Parts) : IdentityMatch
    {
        private const string AnyValue = "*";

        public override int Specificity => Parts.Any(p => p.Value == AnyValue) ? 1_000 + Parts.Count : 3_000;

        public static NamePattern? TryParse(string text) =>
            IkeIdentity.TryParse($"dn {text}", out var name) && name.NameParts is { Count: > 0 } parts ? new NamePattern(parts) : null;

        public override bool Matches(IkeIdentity identity)
        {
            if (identity.NameParts is not { } parts || parts.Count != Parts.Count)
                return false;
            for (var i = 0; i < parts.Count; i++)
            {
                var wanted = Parts[i];
                if (parts[i].Type != wanted.Type || (wanted.Value != AnyValue && !string.Equals(parts[i].Value, wanted.Value, StringComparison.OrdinalIgnoreCase)))
                    return false;
            }

            return true;
        }
    }
}
