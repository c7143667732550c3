using System.Net;

namespace Headend.Configuration;

/// <summary>The written forms of identities: a kind, a space, a value.</summary>
internal static class IdentityTable
{
    public static ScalarOutcome ReadPattern(string text)
    {
        if (text == "any")
            return ScalarOutcome.Good(IdentityPatternOptions.Any);
        var (kind, value) = Split(text);
        return kind switch
        {
            "fqdn" => Name(text, value, IdentityPatternKind.Fqdn),
            "fqdn-domain" => Name(text, value, IdentityPatternKind.FqdnDomain),
            "email-domain" => Name(text, value, IdentityPatternKind.EmailDomain),
            "email" when IsEmail(value) => Pattern(IdentityPatternKind.Email, value),
            "email" => ScalarTable.Bad(text, "'email USER@DOMAIN'"),
            "key-id" when value.Length > 0 => Pattern(IdentityPatternKind.KeyId, value),
            "address" => Address(text, value),
            _ => ScalarTable.Bad(text, "any, fqdn X, fqdn-domain X, email X, email-domain X, key-id X or address A/B"),
        };
    }

    public static ScalarOutcome ReadLocal(string text)
    {
        var (kind, value) = Split(text);
        return kind switch
        {
            "fqdn" when IsName(value) => Local(LocalIdentityKind.Fqdn, value),
            "email" when IsEmail(value) => Local(LocalIdentityKind.Email, value),
            "key-id" when value.Length > 0 => Local(LocalIdentityKind.KeyId, value),
            "address" when IPAddress.TryParse(value, out var address) && ScalarTable.IsWritten(value) =>
                ScalarOutcome.Good(new LocalIdentityOptions(LocalIdentityKind.Address, "", address)),
            _ => ScalarTable.Bad(text, "fqdn X, email X, key-id X or address A"),
        };
    }

    private static (string Kind, string Value) Split(string text)
    {
        var space = text.IndexOf(' ');
        return space < 0 ? (text, "") : (text[..space], text[(space + 1)..].Trim());
    }

    private static ScalarOutcome Pattern(IdentityPatternKind kind, string value) =>
        ScalarOutcome.Good(new IdentityPatternOptions(kind, value, default));

    private static ScalarOutcome Local(LocalIdentityKind kind, string value) => ScalarOutcome.Good(new LocalIdentityOptions(kind, value, Address: null));

    private static ScalarOutcome Name(string text, string value, IdentityPatternKind kind) => IsName(value)
        ? Pattern(kind, value.ToLowerInvariant())
        : ScalarTable.Bad(text, "a DNS name after its kind");

    private static ScalarOutcome Address(string text, string value)
    {
        if (!value.Contains('/') && IPAddress.TryParse(value, out var single) && ScalarTable.IsWritten(value))
            return Network(new IPNetwork(single, single.GetAddressBytes().Length * 8));
        return ScalarTable.TryReadPrefix(value, out var network, out var problem) ? Network(network) : ScalarOutcome.Bad(problem);

        static ScalarOutcome Network(IPNetwork network) =>
            ScalarOutcome.Good(new IdentityPatternOptions(IdentityPatternKind.Address, "", network));
    }

    // RFC 1035 2.3.4: names of 255 octets, labels of 63.
    private static bool IsName(string value) => value.Length is > 0 and <= 253
        && value.Split('.').All(label => label.Length is > 0 and <= 63 && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));

    private static bool IsEmail(string value)
    {
        var at = value.LastIndexOf('@');
        return at > 0 && !value.Any(char.IsWhiteSpace) && IsName(value[(at + 1)..]);
    }
}
