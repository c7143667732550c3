using System.Security;
using System.Text;
using System.Xml;
using Headend.Eap.AnyConnect;
using Headend.Ikev2;

namespace Headend.Configuration;

/// <summary>The keys of AnyConnect-EAP in a profile.</summary>
internal static class AnyConnectTable
{
    /// <summary>Half of what an EAP packet carries.</summary>
    private const int MostTextOctets = 32 * 1024;

    private static readonly string[] TextKeys = ["title", "message", "username-label", "password-label", "group-label", "banner"];

    private static readonly AnyConnectOptions Defaults = new() { ProfileName = "" };

    /// <summary>Gives a name and a value.</summary>
    private static readonly ScalarSyntax CustomAttribute = new("name=value", text =>
    {
        var at = text.IndexOf('=', StringComparison.Ordinal);
        return at > 0 && IsElementName(text[..at]) && text.Length <= 4096 && !text.Any(char.IsControl)
            ? ScalarOutcome.Good(new KeyValuePair<string, string>(text[..at], text[(at + 1)..]))
            : ScalarTable.Bad(text, "NAME=VALUE of at most 4096 printable characters, where NAME can be an XML element");
    });

    private static readonly ScalarSyntax UriPath = new("path of a URL", text =>
        text.StartsWith('/') && text.Length <= 255 && text.All(c => c is > ' ' and < '\x7f' and not ('?' or '#' or '%' or '\\'))
            ? ScalarOutcome.Good(text)
            : ScalarTable.Bad(text, "a path that begins with /"));

    /// <summary>Gives the name of a Cisco attribute-value pair.</summary>
    private static readonly ScalarSyntax PairName = new("name of a pair", text =>
        text.Length is > 0 and <= 64 && char.IsAsciiLetterLower(text[0]) && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_' or ':')
            ? ScalarOutcome.Good(text)
            : ScalarTable.Bad(text, "the name of a Cisco pair such as cert-name: a letter, then letters, digits, '-', '_' and ':'"));

    /// <summary>The key <c>anyconnect-eap</c> of <c>remote-authentication</c>.</summary>
    public static ConfigurationKey Key { get; } = ConfigurationTable.Key("anyconnect-eap", new SectionSyntax(
        ConfigurationTable.Key("cert-request", ScalarTable.Boolean,
            "Ask every client for a certificate and a signature over the beginning of this IKE SA, and only then for name and password. Needs `certificate`, and a profile without `eap`, `certificate` and `pre-share` of its own.", "false"),
        ConfigurationTable.Key("certificate", CertificateSection(), "The certificate that `cert-request` asks for. What holds for those in IKE_AUTH holds here: RSA keys of 2048 bits and more, no small exponent, no SHA-1 or MD5."),
        ConfigurationTable.Key("authentication-list", ScalarTable.Name, "Name in aaa.authentication: who decides these logins; absent: the profile's `authentication-list`.")
            with
        { RefersTo = ConfigurationTable.AuthenticationLists },
        ConfigurationTable.Key("password-protocol", ScalarTable.Word(("pap", PasswordProtocol.Pap), ("chap", PasswordProtocol.Chap), ("mschapv2", PasswordProtocol.MsChapV2)),
            "How RADIUS servers are shown the password that the user typed: `pap` hands it over, `chap` and `mschapv2` hand over a proof that the headend computes; `mschapv2` alone lets the user change an expired one. Answers to an Access-Challenge go by `pap`.", "pap"),
        ConfigurationTable.Key("timeout", ScalarTable.Duration("45s", "180s"), "Longest time that the user may take for a form; all forms together may take ten times as long, from the client's first message on. Beside `eap` the longer of the two holds for both.", "90s"),
        ConfigurationTable.Key("attempts", ScalarTable.Integer(1, 10), "Wrong passwords, and choices of a group that is none of `groups`, after which the login is over.", "3"),
        ConfigurationTable.Key("groups", new ListSyntax(ScalarTable.Text, Maximum: 50), "Groups that the user chooses among, the first selected; RADIUS is told the choice as Tunnel-Group-Name. Absent: no choice, and what the client says of groups is passed over."),
        ConfigurationTable.Key("title", ScalarTable.Text, "Title of the form.", Defaults.Title),
        ConfigurationTable.Key("message", ScalarTable.Text, "Text above its fields.", Defaults.Message),
        ConfigurationTable.Key("username-label", ScalarTable.Text, "Label of a field.", $"'{Defaults.UserNameLabel}'"),
        ConfigurationTable.Key("password-label", ScalarTable.Text, "Label of a field.", $"'{Defaults.PasswordLabel}'"),
        ConfigurationTable.Key("group-label", ScalarTable.Text, "Label of the list of groups.", $"'{Defaults.GroupLabel}'"),
        ConfigurationTable.Key("banner", ScalarTable.Text, "Shown when the login is through; absent: nothing."),
        ConfigurationTable.Key("complete", new SectionSyntax(
            ConfigurationTable.Key("csport", ScalarTable.Port, "TCP port of an HTTPS service for the client's downloader."),
            ConfigurationTable.Key("base-package-uri", UriPath, "Path of the client's packages on it, such as `/CACHE/stc/2`."),
            ConfigurationTable.Key("server-cert-hash", ScalarTable.Boolean, "Tell the SHA-1 hash of the headend's certificate.", "false"),
            ConfigurationTable.Key("profile", new SectionSyntax(
                ConfigurationTable.Required("uri", UriPath, "Path of the client's profile on the HTTPS service."),
                ConfigurationTable.Required("file", ScalarTable.Path, "The same profile, whose SHA-1 hash the client is told: it fetches the profile when its own differs. Read at the start."))
            { Check = CheckFile },
                "Offers the client a profile."),
            ConfigurationTable.Key("custom-attributes", new ListSyntax(CustomAttribute, Maximum: 50), "`NAME=VALUE` each, such as `dynamic-split-exclude-domains=a.example,b.example`.")),
            "Optional parts of the document that ends the login. What is absent is left out, and clients with BypassDownloader need none of it."))
    { Check = Check },
        "AnyConnect-EAP of Cisco Secure Client, where this section is written: name and password, and what RADIUS asks for beyond. Needs the headend's certificate. Beside `eap` it serves the clients that announce it.");

    public static AnyConnectProfileOptions? Compile(SectionValue profile, SectionValue remote)
    {
        if (remote.GetOptional<SectionValue>("anyconnect-eap") is not { Written: true } section)
            return null;
        var complete = section.Section("complete");
        var client = complete.GetOptional<SectionValue>("profile");
        var login = new AnyConnectOptions
        {
            ProfileName = profile.Get<string>("name"),
            Groups = section.List<string>("groups"),
            Title = section.Get<string>("title"),
            Message = section.Get<string>("message"),
            UserNameLabel = section.Get<string>("username-label"),
            PasswordLabel = section.Get<string>("password-label"),
            GroupLabel = section.Get<string>("group-label"),
            Banner = section.GetOptional<string>("banner") ?? "",
            MaxAttempts = section.Get<int>("attempts"),
            CertificateRequest = section.Get<bool>("cert-request"),
            Complete = new AnyConnectCompleteOptions
            {
                CsPort = complete.GetOptionalValue<int>("csport"),
                BasePackageUri = complete.GetOptional<string>("base-package-uri"),
                ProfileUri = client?.Get<string>("uri"),
                CustomAttributes = complete.List<KeyValuePair<string, string>>("custom-attributes"),
            },
        };
        return new AnyConnectProfileOptions(
            login, section.Get<PasswordProtocol>("password-protocol"), section.Get<TimeSpan>("timeout"), section.GetOptional<string>("authentication-list"),
            complete.Get<bool>("server-cert-hash"), client is null ? null : ConfigurationPaths.Resolve(client.Get<string>("file"), client.PlaceOf("file")))
        {
            Certificate = login.CertificateRequest ? CompileCertificate(section.Section("certificate")) : null,
        };
    }

    /// <summary>Whoever may choose another method shows no certificate: the demand would be none. And behind a certificate in IKE_AUTH comes `eap` alone.</summary>
    public static void CheckProfile(SectionValue anyConnect, SectionValue remote, bool share, DiagnosticStore diagnostics)
    {
        if (remote.GetOptional<SectionValue>("certificate") is { Written: true } shown && remote.GetOptional<SectionValue>("eap") is { Written: true }
            && shown.GetOptionalValue<SecondAuthentication>("then-eap") == SecondAuthentication.Required)
            diagnostics.Error(anyConnect.At, "'anyconnect-eap' beside 'then-eap: required' serves nobody: behind the certificate comes 'eap'; it needs a profile of its own, with 'cert-request' for a certificate");
        if (anyConnect.GetOptionalValue<bool>("cert-request") != true)
            return;
        foreach (var other in (string[])["eap", "certificate"])
        {
            if (remote.GetOptional<SectionValue>(other) is { Written: true })
                diagnostics.Error(remote.PlaceOf(other), $"'{other}' beside 'cert-request: true' lets clients choose to show one factor only; it needs a profile of its own");
        }

        if (share)
            diagnostics.Error(remote.PlaceOf("pre-share"), "'pre-share' beside 'cert-request: true' lets clients choose to show one factor only; it needs a profile of its own");
    }

    private static SectionSyntax CertificateSection() => new([
        .. ClientCertificateTable.TrustKeys(""),
        ConfigurationTable.Key("name-mangler", ScalarTable.Name,
            "Name in ikev2.name-manglers: makes the certificate's name, by its `dn` rule of the subject, else by `email` of the first e-mail address or user principal name, else by `fqdn` of the first DNS name; a certificate that gives none is refused. Absent: the whole subject.")
            with
        { RefersTo = NameManglerTable.Manglers },
        ConfigurationTable.Key("username", ScalarTable.Word(("typed", CertificateUserName.Typed), ("prefilled", CertificateUserName.Prefilled), ("required", CertificateUserName.Required)),
            "What the certificate's name is to the user's: nothing (`typed`), the one that stands in the form beforehand (`prefilled`), or beyond that the only one that is taken, without regard to case (`required`). The last two need `name-mangler`.", "typed"),
        ConfigurationTable.Key("radius-pair", PairName, "RADIUS is told the certificate's name in a Cisco-AVPair of this name, with every request and in accounting. Absent: it is not told."),
    ])
    { Check = CheckCertificate };

    private static AnyConnectCertificateOptions CompileCertificate(SectionValue section) => new(
        ClientCertificateTable.CompileTrust(section) with { Mangler = section.GetOptional<string>("name-mangler") },
        section.Get<CertificateUserName>("username"),
        section.GetOptional<string>("radius-pair"));

    private static void CheckFile(SectionValue profile, DiagnosticStore diagnostics)
    {
        if (profile.GetOptional<string>("file") is { } file)
            ConfigurationPaths.TryCheckFile(ConfigurationPaths.Resolve(file, profile.PlaceOf("file")), isSecret: false, profile.PlaceOf("file"), diagnostics);
    }

    /// <summary>A document has to fit an EAP packet beside what RADIUS adds to it.</summary>
    private static void CheckTexts(SectionValue section, DiagnosticStore diagnostics)
    {
        var complete = section.GetOptional<SectionValue>("complete");
        var texts = section.Items("groups").Select(i => (string)i.Value)
            .Concat(TextKeys.Select(k => section.GetOptional<string>(k) ?? ""))
            .Concat(complete?.Items("custom-attributes").Select(i => (KeyValuePair<string, string>)i.Value).Select(a => $"{a.Key}{a.Value}{a.Key}") ?? []);
        var octets = texts.Sum(t => Encoding.UTF8.GetByteCount(SecurityElement.Escape(t)));
        if (octets > MostTextOctets)
            diagnostics.Error(section.At, $"the texts of 'anyconnect-eap' come to {octets} octets of XML, more than {MostTextOctets}: they do not fit a document");
    }

    private static void Check(SectionValue section, DiagnosticStore diagnostics)
    {
        CheckTexts(section, diagnostics);
        var asks = section.GetOptionalValue<bool>("cert-request") == true;
        var trust = section.GetOptional<SectionValue>("certificate") is { Written: true } written ? written : null;
        if (asks && trust is null && !section.IsRejected("certificate"))
            diagnostics.Error(section.PlaceOf("cert-request"), "'cert-request' needs 'certificate' with 'ca': without authorities no certificate can be trusted");
        if (!asks && trust is not null && !section.IsRejected("cert-request"))
            diagnostics.Error(trust.At, "'certificate' in 'anyconnect-eap' acts only with 'cert-request: true'");
    }

    private static void CheckCertificate(SectionValue section, DiagnosticStore diagnostics)
    {
        ClientCertificateTable.CheckTrust(section, diagnostics);
        if (section.GetOptionalValue<CertificateUserName>("username") is CertificateUserName.Prefilled or CertificateUserName.Required
            && !section.Has("name-mangler") && !section.IsRejected("name-mangler"))
            diagnostics.Error(section.PlaceOf("username"), "this 'username' needs 'name-mangler': a whole subject is no user name");
    }

    private static bool IsElementName(string name)
    {
        try
        {
            XmlConvert.VerifyNCName(name);
            return true;
        }
        catch (XmlException)
        {
            return false;
        }
    }
}
