using System.Diagnostics.CodeAnalysis;

namespace Headend.Aaa.Authorization;

/// <summary>The part of a name that a rule takes.</summary>
public enum NamePart
{
    All,

    /// <summary>What stands before the first dot.</summary>
    Hostname,

    /// <summary>What stands behind the first dot of an fqdn, or behind the @ of an address; of a distinguished name the DC parts, joined by dots.</summary>
    Domain,

    /// <summary>What stands before the @.</summary>
    Username,

    /// <summary>What stands before the delimiter.</summary>
    Prefix,

    /// <summary>What stands behind it.</summary>
    Suffix,
    CommonName,
    Country,
    State,
    Locality,
    Organization,
    OrganizationUnit,
}

/// <summary>One line of a name mangler, such as `fqdn hostname` or `eap suffix @`.</summary>
/// <param name="Part">What is taken.</param>
/// <param name="Delimiter">Of <see cref="NamePart.Prefix"/> and <see cref="NamePart.Suffix"/>: '.', '@' or '\'.</param>
/// <param name="OfDistinguishedName">The part is one of a distinguished name.</param>
public readonly record struct NameRule(NamePart Part, char Delimiter = '\0', bool OfDistinguishedName = false)
{
    private static readonly (string Word, NamePart Part)[] NameFields =
    [
        ("common-name", NamePart.CommonName), ("country", NamePart.Country), ("domain", NamePart.Domain), ("locality", NamePart.Locality),
        ("organization", NamePart.Organization), ("organization-unit", NamePart.OrganizationUnit), ("state", NamePart.State),
    ];

    private static readonly (string Word, NamePart Part)[] FqdnFields = [("all", NamePart.All), ("domain", NamePart.Domain), ("hostname", NamePart.Hostname)];

    private static readonly (string Word, NamePart Part)[] EmailFields = [("all", NamePart.All), ("domain", NamePart.Domain), ("username", NamePart.Username)];

    /// <summary>The forms of the line for `fqdn`.</summary>
    public static string FqdnForms { get; } = Words(FqdnFields);

    /// <summary>The forms of the line for `email`.</summary>
    public static string EmailForms { get; } = Words(EmailFields);

    /// <summary>The forms of the line for `dn`.</summary>
    public static string NameForms { get; } = Words(NameFields);

    /// <summary>The forms of the line for `eap`.</summary>
    public static string EapForms { get; } = $"{EmailForms}, prefix D or suffix D with a delimiter D of . @ \\, or dn and one of {NameForms}";

    public static bool TryParseFqdn(string text, out NameRule rule) => TryFind(FqdnFields, text, false, out rule);

    public static bool TryParseEmail(string text, out NameRule rule) => TryFind(EmailFields, text, false, out rule);

    public static bool TryParseName(string text, out NameRule rule) => TryFind(NameFields, text, true, out rule);

    public static bool TryParseEap(string text, out NameRule rule)
    {
        rule = default;
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        switch (words)
        {
            case [var word]:
                return TryFind(EmailFields, word, false, out rule);
            case ["dn", var field]:
                return TryFind(NameFields, field, true, out rule);
            // FlexVPN writes "prefix delimiter @".
            case ["prefix" or "suffix", .., [('.' or '@' or '\\') and var delimiter]] when words.Length == 2 || words is [_, "delimiter", _]:
                rule = new NameRule(words[0] == "prefix" ? NamePart.Prefix : NamePart.Suffix, delimiter);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Takes the part of a name that is no distinguished name. False where the name has no such part.</summary>
    internal bool TryTake(string name, bool isFqdn, [NotNullWhen(true)] out string? part)
    {
        part = Part switch
        {
            NamePart.All => name,
            NamePart.Hostname => Before(name, '.') ?? name,
            NamePart.Domain when isFqdn => Behind(name, '.'),
            NamePart.Username => UserOf(name),
            NamePart.Domain => RealmOf(name),
            NamePart.Prefix => Before(name, Delimiter),
            NamePart.Suffix => Behind(name, Delimiter),
            _ => null,
        };
        return !string.IsNullOrEmpty(part);
    }

    // "alice@corp.example", and as Windows writes it "CORP\alice".
    private static string? UserOf(string name) => Before(name, '@') ?? Behind(name, '\\');

    private static string? RealmOf(string name) => Behind(name, '@') ?? Before(name, '\\');

    // RFC 7542 2.2: the realm stands behind the last @; dots and backslashes lead from the outside in.
    private static int Find(string name, char delimiter) => delimiter == '@' ? name.LastIndexOf('@') : name.IndexOf(delimiter);

    private static string? Before(string name, char delimiter) => Find(name, delimiter) is var at and >= 0 ? name[..at] : null;

    private static string? Behind(string name, char delimiter) => Find(name, delimiter) is var at and >= 0 ? name[(at + 1)..] : null;

    private static bool TryFind((string Word, NamePart Part)[] fields, string text, bool ofDistinguishedName, out NameRule rule)
    {
        var at = Array.FindIndex(fields, f => f.Word == text.Trim());
        rule = at < 0 ? default : new NameRule(fields[at].Part, OfDistinguishedName: ofDistinguishedName);
        return at >= 0;
    }

    private static string Words((string Word, NamePart Part)[] fields) => string.Join(", ", fields.Select(f => f.Word));
}
