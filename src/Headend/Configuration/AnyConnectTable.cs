using System.Xml;
using Headend.Eap.AnyConnect;

namespace Headend.Configuration;

/// <summary>The keys of AnyConnect-EAP in a profile.</summary>
internal static class AnyConnectTable
{
    private static readonly AnyConnectOptions Defaults = new() { ProfileName = "" };

    /// <summary>Gives a name and a value.</summary>
    private static readonly ScalarSyntax CustomAttribute = new("name=value", text =>
    {
        var at = text.IndexOf('=', StringComparison.Ordinal);
        return at > 0 && IsElementName(text[..at])
            ? ScalarOutcome.Good(new KeyValuePair<string, string>(text[..at], text[(at + 1)..]))
            : ScalarTable.Bad(text, "NAME=VALUE, where NAME can be an XML element");
    });

    private static readonly ScalarSyntax UriPath = new("path of a URL", text =>
        text.StartsWith('/') && text.Length <= 255 && text.All(c => c is > ' ' and < '\x7f') ? ScalarOutcome.Good(text) : ScalarTable.Bad(text, "a path that begins with /"));

    /// <summary>The key <c>anyconnect-eap</c> of <c>remote-authentication</c>.</summary>
    public static ConfigurationKey Key { get; } = ConfigurationTable.Key("anyconnect-eap", new SectionSyntax(
        ConfigurationTable.Key("authentication-list", ScalarTable.Name, "Name in aaa.authentication: who decides these logins; absent: the profile's `authentication-list`.")
            with
        { RefersTo = ConfigurationTable.AuthenticationLists },
        ConfigurationTable.Key("password-protocol", ScalarTable.Word(("pap", PasswordProtocol.Pap), ("chap", PasswordProtocol.Chap), ("mschapv2", PasswordProtocol.MsChapV2)),
            "How RADIUS servers are shown the password that the user typed: `pap` hands it over, `chap` and `mschapv2` hand over a proof that the headend computes; `mschapv2` alone lets the user change an expired one. Answers to an Access-Challenge go by `pap`.", "pap"),
        ConfigurationTable.Key("timeout", ScalarTable.Duration("45s", "180s"), "Longest time that the user may take for a form.", "90s"),
        ConfigurationTable.Key("attempts", ScalarTable.Integer(1, 10), "Wrong passwords after which the login is over.", "3"),
        ConfigurationTable.Key("groups", new ListSyntax(ScalarTable.Text, Maximum: 50), "Groups that the user chooses among, the first selected; RADIUS is told the choice as Tunnel-Group-Name. Absent: no choice."),
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
                ConfigurationTable.Required("file", ScalarTable.Path, "The same profile, whose SHA-1 hash the client is told: it fetches the profile when its own differs. Read at the start.")),
                "Offers the client a profile."),
            ConfigurationTable.Key("custom-attributes", new ListSyntax(CustomAttribute, Maximum: 50), "`NAME=VALUE` each, such as `dynamic-split-exclude-domains=a.example,b.example`.")),
            "Optional parts of the document that ends the login. What is absent is left out, and clients with BypassDownloader need none of it.")),
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
            complete.Get<bool>("server-cert-hash"), client is null ? null : ConfigurationPaths.Resolve(client.Get<string>("file"), client.PlaceOf("file")));
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
