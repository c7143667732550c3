using Headend.Aaa.Authorization;

namespace Headend.Configuration;

/// <summary>The keys of name manglers.</summary>
internal static class NameManglerTable
{
    public const string Manglers = "ikev2.name-manglers";

    private delegate bool RuleParser(string text, out NameRule rule);

    private static readonly string[] Kinds = ["fqdn", "email", "dn", "eap"];

    public static ConfigurationKey Key { get; } = ConfigurationTable.Key("name-manglers", new ListSyntax(new SectionSyntax(
        ConfigurationTable.NewName(Manglers, "name mangler"),
        ConfigurationTable.Key("fqdn", Rule("fqdn rule", NameRule.TryParseFqdn, NameRule.FqdnForms),
            "What is taken of an IKE identity of type FQDN: `hostname` (before the first dot), `domain` (behind it) or `all`."),
        ConfigurationTable.Key("email", Rule("email rule", NameRule.TryParseEmail, NameRule.EmailForms),
            "Of an email address: `username` (before the @), `domain` (behind it) or `all`."),
        ConfigurationTable.Key("dn", Rule("dn rule", NameRule.TryParseName, NameRule.NameForms),
            "Of a distinguished name: `common-name`, `country`, `locality`, `organization`, `organization-unit`, `state`, or `domain` (the DC parts joined by dots). Of several the one nearest to the owner."),
        ConfigurationTable.Key("eap", Rule("eap rule", NameRule.TryParseEap, NameRule.EapForms),
            "Of the identity that EAP authenticated: `username` and `domain` (of `user@domain` and of `DOMAIN\\user`), `all`, `prefix D` and `suffix D` (before and behind the delimiter D: the first `.` or `\\`, the last `@`), "
            + "`dn FIELD` for an identity that is a distinguished name in text. Absent: the identity is taken by its form, by `email` with an @, by `fqdn` with a dot."))
    { Check = Check }, Maximum: 1000),
        "How AAA names are made of peers' identities. An identity that a mangler has no rule for, or no such part in, gives no name, and the authorization or key that needs it fails.");

    public static IReadOnlyList<NameMangler> Compile(SectionValue ikev2) =>
    [
        .. ikev2.Sections("name-manglers").Select(m => new NameMangler(m.Get<string>("name"))
        {
            Fqdn = m.GetOptionalValue<NameRule>("fqdn"),
            Email = m.GetOptionalValue<NameRule>("email"),
            DistinguishedName = m.GetOptionalValue<NameRule>("dn"),
            Eap = m.GetOptionalValue<NameRule>("eap"),
        }),
    ];

    private static ScalarSyntax Rule(string name, RuleParser parser, string forms) =>
        new(name, text => parser(text, out var rule) ? ScalarOutcome.Good(rule) : ScalarTable.Bad(text, $"one of {forms}"));

    private static void Check(SectionValue mangler, DiagnosticStore diagnostics)
    {
        if (!Kinds.Any(k => mangler.Has(k) || mangler.IsRejected(k)))
            diagnostics.Error(mangler.At, $"the name mangler has no rule; it needs at least one of {string.Join(", ", Kinds)}");
    }
}
