using Headend.Ikev2;

namespace Headend.Configuration;

/// <summary>How the parts of a profile must fit each other.</summary>
internal static class ProfileChecks
{
    public static void LocalAuthentication(SectionValue section, DiagnosticStore diagnostics)
    {
        foreach (var file in (string[])["certificate", "key"])
            if (section.GetOptional<string>(file) is { } path)
                ConfigurationPaths.TryCheckFile(ConfigurationPaths.Resolve(path, section.PlaceOf(file)), file == "key", section.PlaceOf(file), diagnostics);
        var certificate = IsTried(section, "certificate");
        var key = IsTried(section, "key");
        if (!Shares(section) && !certificate && !key && !section.IsRejected("pre-share"))
            diagnostics.Error(section.At, "'local-authentication' needs 'certificate' and 'key', or 'pre-share: true'");
        else if (Shares(section) && (certificate || key))
            diagnostics.Error(section.PlaceOf("pre-share"), "'pre-share' beside a certificate: the headend proves itself by one of them");
        else if (certificate != key)
            diagnostics.Error(section.At, $"missing key '{(certificate ? "key" : "certificate")}' in 'local-authentication'; both stand together");
    }

    /// <summary>One profile's methods against its lists and keyring, and its attributes against each other.</summary>
    public static void Check(SectionValue profile, DiagnosticStore diagnostics)
    {
        CiscoAttributeTable.CheckProfile(profile, diagnostics);
        var local = profile.GetOptional<SectionValue>("local-authentication");
        if (profile.GetOptional<SectionValue>("remote-authentication") is not { } remote)
            return;
        var anyConnect = remote.GetOptional<SectionValue>("anyconnect-eap") is { Written: true } client ? client : null;
        var eap = remote.GetOptional<SectionValue>("eap") is { Written: true } || anyConnect is not null;
        var share = Shares(remote);
        var certificate = remote.GetOptional<SectionValue>("certificate") is { Written: true } written ? written : null;
        var list = IsTried(profile, "authentication-list");
        var keyring = profile.GetOptional<SectionValue>("keyring") is { Written: true };
        if (!eap && !share && certificate is null && Array.TrueForAll(["eap", "anyconnect-eap", "certificate", "pre-share"], k => !remote.IsRejected(k)))
            diagnostics.Error(remote.At, "'remote-authentication' needs 'eap', 'anyconnect-eap', 'certificate' or 'pre-share: true'");
        if (anyConnect is not null)
            AnyConnectTable.CheckProfile(anyConnect, remote, share, diagnostics);
        if (certificate is not null)
            ClientCertificateTable.CheckProfile(certificate, remote.GetOptional<SectionValue>("eap") is { Written: true }, Shares(local), diagnostics);
        var asksList = remote.GetOptional<SectionValue>("eap") is { Written: true } ? "eap" : anyConnect is not null && !IsTried(anyConnect, "authentication-list") ? "anyconnect-eap" : null;
        if (asksList is not null && !list)
            diagnostics.Error(remote.PlaceOf(asksList), $"'{asksList}' needs the profile's 'authentication-list'");
        if (asksList is null && list && !remote.IsRejected("eap") && !remote.IsRejected("anyconnect-eap"))
            diagnostics.Error(profile.PlaceOf("authentication-list"), "'authentication-list' acts only with 'eap' or 'anyconnect-eap' in 'remote-authentication'");

        // RFC 7296 2.16: such methods "MUST be used in conjunction with a public-key-signature-based authentication of the responder to the initiator."
        if (eap && Shares(local))
            diagnostics.Error(local!.PlaceOf("pre-share"), "'eap' needs the headend's certificate, not 'pre-share' (RFC 7296 2.16)");
        else if (!share && Shares(local))
            diagnostics.Error(local!.PlaceOf("pre-share"), "'pre-share' here needs it in 'remote-authentication' too: the key is looked up when the peer brings its own");
        if (share && !keyring && !profile.IsRejected("keyring"))
            diagnostics.Error(remote.PlaceOf("pre-share"), "'pre-share' needs the profile's 'keyring'");
        AskedAndAnswered(profile, diagnostics);
        ReturnTable.Check(profile, Shares(local), share, keyring, diagnostics);
        if (!share && keyring && !remote.IsRejected("pre-share"))
            diagnostics.Error(profile.PlaceOf("keyring"), "'keyring' acts only with 'pre-share: true' in 'remote-authentication'");
    }

    /// <summary>The first profile that fits is taken: behind one that fits everybody none is.</summary>
    public static void Order(SectionValue ikev2, DiagnosticStore diagnostics)
    {
        SectionValue? open = null;
        foreach (var profile in ikev2.Sections("profiles"))
        {
            if (open is not null)
            {
                diagnostics.Warning(profile.At, $"profile '{Name(profile)}' is never reached: '{Name(open)}' before it fits every client");
                continue;
            }

            if (profile.GetOptional<SectionValue>("match") is { } match && !IsTried(match, "local-identity")
                && match.Items("remote-identity").Any(i => i.Value is IdentityMatch { MatchesAll: true }))
            {
                open = profile;
            }
        }
    }

    // Nearly every client that asks for an identity refuses to be answered by another.
    private static void AskedAndAnswered(SectionValue profile, DiagnosticStore diagnostics)
    {
        if (profile.GetOptional<SectionValue>("match") is not { } match || match.Items("local-identity") is not { Count: > 0 } asked)
            return;
        if (profile.GetOptional<IkeIdentity>("local-identity") is { } answered && !asked.Any(a => ((IdentityMatch)a.Value).Matches(answered)))
            diagnostics.Warning(match.PlaceOf("local-identity"), $"clients that ask for one of these are answered '{Shown.Text(answered.Text)}', the profile's own 'local-identity', which is none of them");
    }

    private static string Name(SectionValue profile) => Shown.Text(profile.GetOptional<string>("name") ?? "?");

    private static bool Shares(SectionValue? section) => section?.GetOptionalValue<bool>("pre-share") == true;

    // An empty list stands for an absent one.
    private static bool IsTried(SectionValue section, string key) => section.IsRejected(key) || section.Find(key) is { Value: not IReadOnlyList<ConfigurationValue> { Count: 0 } };
}
