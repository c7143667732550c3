using Headend.Ikev2;
using Headend.Pki.Verification;

namespace Headend.Configuration;

/// <summary>The keys of <c>certificate</c> in a profile's <c>remote-authentication</c>.</summary>
internal static class ClientCertificateTable
{
    /// <summary>Gives a <see cref="RevocationHost"/>.</summary>
    private static readonly ScalarSyntax Host = new("host", text => RevocationHost.TryParse(text, out var host)
        ? ScalarOutcome.Good(host)
        : ScalarTable.Bad(text, "a host such as pki.example.com or pki.example.com:8080"));

    public static ConfigurationKey Key { get; } = ConfigurationTable.Key("certificate", new SectionSyntax(
        [
            .. TrustKeys(" Their names go to clients as CERTREQ."),
            ConfigurationTable.Key("match-identity", ScalarTable.Boolean,
                "Refuse a client whose IKE identity (IDi) is not in its certificate: a domain name as dNSName, an address as iPAddress, an e-mail address as rfc822Name or user principal name, a distinguished name as subject. `false` needs `name-mangler`, so that the certificate says who it is.",
                "true"),
            ConfigurationTable.Key("name-mangler", ScalarTable.Name,
                "Name in ikev2.name-manglers: makes the user's name of the IKE identity, as the certificate spells it, where it has a rule for its kind, else of the certificate: its `dn` rule of the subject, `email` of the first e-mail address or user principal name, `fqdn` of the first DNS name. Absent: the IKE identity, as the certificate spells it.")
                with
            { RefersTo = NameManglerTable.Manglers },
            ConfigurationTable.Key("then-eap", ScalarTable.Word(("allowed", SecondAuthentication.Allowed), ("required", SecondAuthentication.Required)),
                "EAP after the certificate (RFC 4739), where `eap` stands beside: `allowed` as the client likes, `required` of every client; then EAP alone is refused too.", "allowed"),
        ])
    { Check = Check }, "A certificate and a signature (RFC 7296 2.15, RFC 7427), where this section is written. Needs the headend's certificate. RSA keys have 2048 bits or more and no small exponent, signatures of the chain no SHA-1 or MD5.");

    /// <summary>Whom certificates must be of, and what becomes of revoked ones.</summary>
    /// <param name="further">What else the authorities are for.</param>
    public static ConfigurationKey[] TrustKeys(string further) =>
    [
        ConfigurationTable.Required("ca", ScalarTable.Path, $"PEM file of the authorities: a client's certificate must lead to one of them, nothing else is trusted.{further} Read again at SIGHUP."),
        ConfigurationTable.Key("crl", new ListSyntax(ScalarTable.Path, Maximum: 64), "Files of certificate revocation lists, PEM or DER; asked before anything is fetched. Read again at SIGHUP."),
        ConfigurationTable.Key("fetch-hosts", new ListSyntax(Host, Maximum: 32),
            "Hosts (`name` or `name:port`, port 80 where none is said) from which OCSP answers and revocation lists that certificates name are fetched, by HTTP; no others are asked. Absent: nothing is fetched."),
        ConfigurationTable.Key("revocation", ScalarTable.Word(("strict", RevocationMode.Strict), ("if-available", RevocationMode.IfAvailable), ("off", RevocationMode.Off)),
            "Certificates that are revoked are always refused. Those whose status cannot be had: `strict` refuses them, `if-available` lets them in with a line in the log. `off`, and `if-available` without `crl` and `fetch-hosts`, do not ask.", "if-available"),
        ConfigurationTable.Key("extended-key-usage", ScalarTable.Word(("if-present", ExtendedUsageMode.IfPresent), ("required", ExtendedUsageMode.Required)),
            "`if-present`: a certificate that has the extension must say clientAuth, ipsecIKE, iKEIntermediate or anyExtendedKeyUsage; `required`: one that has none is refused.", "if-present"),
    ];

    /// <summary>Null where clients may not use certificates.</summary>
    public static ClientCertificateOptions? Compile(SectionValue remote) => remote.GetOptional<SectionValue>("certificate") is not { Written: true } section
        ? null
        : CompileTrust(section) with
        {
            MatchIdentity = section.Get<bool>("match-identity"),
            Mangler = section.GetOptional<string>("name-mangler"),
            ThenEap = section.Get<SecondAuthentication>("then-eap"),
        };

    /// <summary>What <see cref="TrustKeys"/> say; no name is asked for.</summary>
    public static ClientCertificateOptions CompileTrust(SectionValue section) => new(
        ConfigurationPaths.Resolve(section.Get<string>("ca"), section.PlaceOf("ca")), [.. section.Items("crl").Select(c => ConfigurationPaths.Resolve((string)c.Value, c.At))])
    {
        Revocation = section.Get<RevocationMode>("revocation"),
        FetchHosts = section.List<RevocationHost>("fetch-hosts"),
        UsageRequired = section.Get<ExtendedUsageMode>("extended-key-usage") == ExtendedUsageMode.Required,
    };

    /// <summary>The section against the rest of its profile.</summary>
    public static void CheckProfile(SectionValue certificate, bool eap, bool shares, DiagnosticStore diagnostics)
    {
        if (shares)
            diagnostics.Error(certificate.At, "'certificate' in 'remote-authentication' needs the headend's certificate, not 'pre-share'");
        if (!eap && certificate.GetOptionalValue<SecondAuthentication>("then-eap") == SecondAuthentication.Required)
            diagnostics.Error(certificate.PlaceOf("then-eap"), "'then-eap: required' needs 'eap' beside 'certificate'");
    }

    /// <summary>The files of <see cref="TrustKeys"/>, and whether the keys fit each other.</summary>
    public static void CheckTrust(SectionValue section, DiagnosticStore diagnostics)
    {
        if (section.GetOptional<string>("ca") is { } path)
            ConfigurationPaths.TryCheckFile(ConfigurationPaths.Resolve(path, section.PlaceOf("ca")), false, section.PlaceOf("ca"), diagnostics);
        foreach (var list in section.Items("crl"))
        {
            if (!File.Exists(ConfigurationPaths.Resolve((string)list.Value, list.At)))
                diagnostics.Error(list.At, $"no file '{Shown.Text((string)list.Value)}'");
        }

        if (section.GetOptionalValue<RevocationMode>("revocation") == RevocationMode.Off)
        {
            foreach (var key in (string[])["crl", "fetch-hosts"])
                if (section.Items(key).Count > 0)
                    diagnostics.Error(section.PlaceOf(key), $"'{key}' does not act with 'revocation: off'");
        }
        else if (section.GetOptionalValue<RevocationMode>("revocation") == RevocationMode.Strict && section.Items("crl").Count == 0 && section.Items("fetch-hosts").Count == 0
            && !section.IsRejected("crl") && !section.IsRejected("fetch-hosts"))
        {
            diagnostics.Error(section.PlaceOf("revocation"), "'revocation: strict' without 'crl' and 'fetch-hosts' refuses every certificate");
        }
    }

    private static void Check(SectionValue section, DiagnosticStore diagnostics)
    {
        CheckTrust(section, diagnostics);
        if (section.GetOptionalValue<bool>("match-identity") == false && !section.Has("name-mangler") && !section.IsRejected("name-mangler"))
            diagnostics.Error(section.PlaceOf("match-identity"), "'match-identity: false' needs 'name-mangler': otherwise any certificate would be whoever it says");
    }
}
