using System.Net;
using Headend.Ikev2;

namespace Headend.Configuration;

/// <summary>The written forms of identities: a kind, a space, a value.</summary>
internal static class IdentityTable
{
    /// <summary>Gives an <see cref="IdentityMatch"/>. Stricter than it is: what no client can send is a slip.</summary>
    public static ScalarOutcome ReadPattern(string text)
    {
        var (kind, value) = Split(text);
        var problem = kind switch
        {
            "fqdn" or "fqdn-domain" or "email-domain" when !IsName(value) => $"'{Shown.Text(text)}' is not a DNS name after its kind",
            "email" when !IsEmail(value) => $"'{Shown.Text(text)}' is not 'email USER@DOMAIN'",
            "address" => ExplainAddress(value),
            _ => null,
        };
        if (problem is not null)
            return ScalarOutcome.Bad(problem);
        return IdentityMatch.TryParse(value.Length == 0 ? kind : $"{kind} {value}", out var match)
            ? ScalarOutcome.Good(match)
            : ScalarTable.Bad(text, "any, fqdn X, fqdn-domain X, email X, email-domain X, key-id X, address A/B or dn X");
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

    private static ScalarOutcome Local(LocalIdentityKind kind, string value) => ScalarOutcome.Good(new LocalIdentityOptions(kind, value, Address: null));

    private static string? ExplainAddress(string value)
    {
        if (!value.Contains('/') && IPAddress.TryParse(value, out _) && ScalarTable.IsWritten(value))
            return null;
        return ScalarTable.TryReadPrefix(value, out _, out var problem) ? null : problem;
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
