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
        if (Explain(kind, value) is { } problem)
            return ScalarOutcome.Bad($"{problem} in '{Shown.Text(text)}'");
        return IdentityMatch.TryParse(value.Length == 0 ? kind : $"{kind} {value}", out var match)
            ? ScalarOutcome.Good(match)
            : ScalarTable.Bad(text, "any, fqdn X, fqdn-domain X, email X, email-domain X, key-id X, address A/B or dn X");
    }

    /// <summary>Gives an <see cref="IkeIdentity"/>.</summary>
    public static ScalarOutcome ReadLocal(string text)
    {
        var (kind, value) = Split(text);
        return Explain(kind, value) is null && IkeIdentity.TryParse($"{kind} {value}", out var identity)
            ? ScalarOutcome.Good(identity)
            : ScalarTable.Bad(text, "fqdn X, email X, key-id X, address A or dn X");
    }

    private static string? Explain(string kind, string value) => kind switch
    {
        "fqdn" or "fqdn-domain" or "email-domain" when !IsName(value) => "no DNS name",
        "email" when !IsEmail(value) => "no USER@DOMAIN",
        "address" => ExplainAddress(value),
        _ => null,
    };

    private static (string Kind, string Value) Split(string text)
    {
        var space = text.IndexOf(' ');
        return space < 0 ? (text, "") : (text[..space], text[(space + 1)..].Trim());
    }

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
