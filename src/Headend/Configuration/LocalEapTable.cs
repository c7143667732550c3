using Headend.Eap;
using Headend.Eap.Tls;

namespace Headend.Configuration;

/// <summary>The keys of the local EAP server and of lockout, and what must fit together between users and methods.</summary>
internal static class LocalEapTable
{
    private static readonly (string Word, EapType Type)[] MethodWords =
        [("mschapv2", EapType.MsChapV2), ("gtc", EapType.Gtc), ("md5", EapType.Md5), ("tls", EapType.Tls)];

    /// <summary>Gives an <see cref="EapType"/>.</summary>
    private static readonly ScalarSyntax Method = new("word", text =>
    {
        foreach (var (word, type) in MethodWords)
            if (word == text)
                return ScalarOutcome.Good(type);
        return ScalarTable.Bad(text, "one of " + string.Join(", ", MethodWords.Select(m => m.Word)));
    })
    { Words = [.. MethodWords.Select(m => m.Word)] };

    /// <summary>Gives a <see cref="TlsVersion"/>.</summary>
    private static readonly ScalarSyntax Version = new("word", text => text switch
    {
        "1.2" => ScalarOutcome.Good(TlsVersion.Tls12),
        "1.3" => ScalarOutcome.Good(TlsVersion.Tls13),
        _ => ScalarTable.Bad(text, "1.2 or 1.3"),
    })
    { Words = ["1.2", "1.3"] };

    /// <summary>Keys of <c>eap</c> in a profile.</summary>
    public static ConfigurationKey[] Keys { get; } =
    [
        ConfigurationTable.Key("methods", new ListSyntax(Method, Minimum: 1, Maximum: 4),
            "EAP methods that the method `local` offers, in this order; the client may choose another of them. `gtc` and `md5` make no key and need `allow-methods-without-key`. RADIUS servers choose their own.", "[mschapv2]"),
        ConfigurationTable.Key("tls", new SectionSyntax(
            ConfigurationTable.Key("certificate", ScalarTable.Path, "PEM file of the certificate that EAP-TLS shows, then the chain to send; absent: that of `local-authentication`."),
            ConfigurationTable.Key("key", ScalarTable.Path, "PEM file of its private key, RSA or ECDSA."),
            ConfigurationTable.Required("ca", ScalarTable.Path, "PEM file of the authorities: a user's certificate must lead to one of them, nothing else is trusted. Read again at SIGHUP."),
            ConfigurationTable.Key("crl", new ListSyntax(ScalarTable.Path, Maximum: 64), "Files of certificate revocation lists, PEM or DER. With any, a user's certificate needs a current list of its issuer, and below roots each intermediate too; absent: revocation is not looked at. Read again at SIGHUP."),
            ConfigurationTable.Key("minimum-version", Version, "Lowest version of TLS; 1.3 is the highest in any case.", "'1.2'"),
            ConfigurationTable.Key("identity", new ListSyntax(ScalarTable.Word(
                    ("upn", CertificateNameKind.Upn), ("email", CertificateNameKind.Email), ("dns", CertificateNameKind.Dns), ("cn", CertificateNameKind.CommonName)), Minimum: 1, Maximum: 4),
                "The first of these names that the certificate holds is the authenticated user: user principal name, e-mail address or DNS name of the subjectAltName, commonName of the subject; below a CA with name constraints user principal names do not count.", "[upn, email, dns, cn]"),
            ConfigurationTable.Key("match-eap-identity", ScalarTable.Boolean,
                "Refuse a client whose EAP identity is no name of its certificate: one of the four names in letters of either case, `host/NAME` of a DNS name, the subject's distinguished name, or `@REALM` alone of an e-mail address or user principal name.", "true"))
        { Check = CheckTls }, "EAP-TLS (RFC 5216, RFC 9190). Certificates need extended key usage clientAuth, RSA keys 2048 bits and no small exponent. Sessions are never resumed, so that each login meets expiry and revocation."),
    ];

    public static ConfigurationKey Lockout { get; } = ConfigurationTable.Key("lockout", new SectionSyntax(
        ConfigurationTable.Key("failures", ScalarTable.Integer(0, 1000), "Wrong passwords of one local user within the window after which the user is locked out; 0: never.", "10"),
        ConfigurationTable.Key("source-failures", ScalarTable.Integer(0, 100_000), "Wrong passwords from one address (IPv6: one /64) within the window after which it is; 0: never. Many users may share one NAT.", "100"),
        ConfigurationTable.Key("window", ScalarTable.Duration("10s", "1d"), "From the first wrong password that counts.", "10m"),
        ConfigurationTable.Key("duration", ScalarTable.Duration("10s", "1d"), "How long the lockout lasts. `headend clear aaa user NAME lockout` ends it.", "10m")),
        "Lockout of local users. The client sees a wrong password in any case. Certificates (EAP-TLS) and RADIUS are not concerned.");

    public static LocalEapOptions Compile(SectionValue eap)
    {
        var tls = eap.GetOptional<SectionValue>("tls");
        return new LocalEapOptions(eap.List<EapType>("methods"), tls is null ? null : new LocalEapTlsOptions(
            PathOf(tls, "certificate"), PathOf(tls, "key"), PathOf(tls, "ca")!, [.. tls.Items("crl").Select(c => ConfigurationPaths.Resolve((string)c.Value, c.At))])
        {
            MinimumVersion = tls.Get<TlsVersion>("minimum-version"),
            Identity = tls.List<CertificateNameKind>("identity"),
            MatchEapIdentity = tls.Get<bool>("match-eap-identity"),
        });
    }

    public static LockoutOptions CompileLockout(SectionValue lockout) => new(
        lockout.Get<int>("failures"), lockout.Get<int>("source-failures"), lockout.Get<TimeSpan>("window"), lockout.Get<TimeSpan>("duration"));

    /// <summary>Methods against the rest of their <c>eap</c> section.</summary>
    public static void CheckEap(SectionValue eap, DiagnosticStore diagnostics)
    {
        var allowed = eap.GetOptionalValue<bool>("allow-methods-without-key") ?? true;
        foreach (var method in eap.Items("methods"))
        {
            if (method.Value is EapType { DerivesKey: false } type && !allowed)
                diagnostics.Error(method.At, $"{type} makes no key; 'allow-methods-without-key: true' would allow it");
        }

        foreach (var twice in eap.Items("methods").GroupBy(m => m.Value).Where(g => g.Count() > 1))
            diagnostics.Error(twice.Last().At, $"'{twice.Key}' stands twice in 'methods'");
        var offersTls = eap.Items("methods").Any(m => m.Value is EapType type && type == EapType.Tls);
        if (offersTls && !eap.Has("tls"))
            diagnostics.Error(eap.PlaceOf("methods"), "'tls' in 'methods' needs the section 'tls'");
        else if (!offersTls && eap.Has("tls"))
            diagnostics.Error(eap.PlaceOf("tls"), "the section 'tls' acts only with 'tls' in 'methods'");
    }

    /// <summary>Every local user must be able to log in by some method of some profile that asks the local users.</summary>
    public static void CheckUsers(SectionValue root, DiagnosticStore diagnostics)
    {
        if (root.GetOptional<SectionValue>("aaa") is not { } aaa)
            return;
        var lists = aaa.Sections("authentication")
            .Where(l => l.Items("methods").Any(m => m.Value is AaaMethodOptions { IsLocal: true }))
            .Select(l => l.GetOptional<string>("name")).ToHashSet();
        var methods = new HashSet<EapType>();
        foreach (var profile in root.GetOptional<SectionValue>("ikev2")?.Sections("profiles") ?? [])
        {
            var client = profile.GetOptional<SectionValue>("remote-authentication")?.GetOptional<SectionValue>("anyconnect-eap");
            if (client is { Written: true } && lists.Contains(client.GetOptional<string>("authentication-list") ?? profile.GetOptional<string>("authentication-list")))
                methods.Add(EapType.Gtc);
            if (profile.GetOptional<string>("authentication-list") is { } list && lists.Contains(list)
                && profile.GetOptional<SectionValue>("remote-authentication")?.GetOptional<SectionValue>("eap") is { } eap && (eap.Written || client is not { Written: true }))
            {
                methods.UnionWith(eap.Items("methods").Select(m => m.Value).OfType<EapType>());
            }
        }

        // Without a profile that asks them the users wait for one.
        if (methods.Count == 0)
            return;
        foreach (var section in aaa.Sections("local-users").Where(u => u.Has("name")))
        {
            if (Explain(LocalUserTable.Compile(section), methods) is { } problem)
                diagnostics.Error(section.At, problem);
        }
    }

    /// <summary>Why a user can log in by none of these methods; null when there is one.</summary>
    public static string? Explain(LocalUserOptions user, IReadOnlyCollection<EapType> methods)
    {
        if (methods.Any(user.Serves) || (!user.HasSecret && methods.Contains(EapType.Tls)))
            return null;
        var form = !user.HasSecret ? "has no password" : "has a password in a form that serves none of the profiles' methods";
        return $"user '{Shown.Text(user.Name)}' {form} ({string.Join(", ", methods)}): MSCHAPv2 needs a clear password or nt-hash, GTC any form, MD5 a clear password";
    }

    private static void CheckTls(SectionValue tls, DiagnosticStore diagnostics)
    {
        foreach (var key in (string[])["certificate", "key", "ca"])
            if (tls.GetOptional<string>(key) is { } path)
                ConfigurationPaths.TryCheckFile(ConfigurationPaths.Resolve(path, tls.PlaceOf(key)), key == "key", tls.PlaceOf(key), diagnostics);
        foreach (var list in tls.Items("crl"))
            if (!File.Exists(ConfigurationPaths.Resolve((string)list.Value, list.At)))
                diagnostics.Error(list.At, $"no file '{Shown.Text((string)list.Value)}'");
        if (tls.Has("certificate") != tls.Has("key"))
            diagnostics.Error(tls.PlaceOf(tls.Has("key") ? "key" : "certificate"), "'certificate' and 'key' stand together");
    }

    private static string? PathOf(SectionValue section, string key) =>
        section.GetOptional<string>(key) is { } path ? ConfigurationPaths.Resolve(path, section.PlaceOf(key)) : null;
}
