using System.Net;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Configuration;

/// <summary>The keys of RADIUS servers and groups, and what holds between them.</summary>
internal static class RadiusTable
{
    private static readonly string[] SecretKeys = ["secret", "secret-file", "secret-env"];
    private static readonly string[] TlsKeys = ["ca-file", "certificate", "key"];
    private static readonly string[] SourceKeys = ["source-address", "source-interface"];

    private enum Transport
    {
        Udp,
        Tls,
    }

    public static ConfigurationKey Servers { get; } = ConfigurationTable.Key("servers", new ListSyntax(new SectionSyntax(
        [
            ConfigurationTable.NewName(ConfigurationTable.Servers, "server"),
            ConfigurationTable.Required("address", ScalarTable.Address, "Address of the server."),
            ConfigurationTable.Key("transport", ScalarTable.Word(("udp", Transport.Udp), ("tls", Transport.Tls)),
                "`tls`: RADIUS over TLS 1.2 or 1.3 (RFC 6614), authentication and accounting over the same connections; needs `ca-file`, `certificate` and `key`, and no secret.", "udp"),
            ConfigurationTable.Key("auth-port", ScalarTable.Port, "UDP port of Access-Request.", "1812"),
            ConfigurationTable.Key("acct-port", ScalarTable.Port, "UDP port of Accounting-Request.", "1813"),
            ConfigurationTable.Key("tls-port", ScalarTable.Port, "TCP port of `transport: tls`.", "2083"),
            .. ConfigurationTable.Secret("secret", "Shared secret"),
            ConfigurationTable.Key("ca-file", ScalarTable.Path, "PEM file of the authorities that may have signed the server's certificate; no others count."),
            ConfigurationTable.Key("certificate", ScalarTable.Path, "PEM file of our certificate for this server, intermediates behind it."),
            ConfigurationTable.Key("key", ScalarTable.Path, "PEM file of its private key."),
            ConfigurationTable.Key("server-name", ScalarTable.Text, "Name that the server's certificate must carry; absent: its address."),
            ConfigurationTable.Key("timeout", ScalarTable.Duration("1s", "1m"), "How long the first transmission waits for an answer, plus or minus a tenth (RFC 5080 2.2.1).", "5s"),
            ConfigurationTable.Key("retransmit", ScalarTable.Integer(0, 10), "Transmissions after the first. Over TLS nothing is sent twice on a connection; the answer is waited for as long.", "3"),
            ConfigurationTable.Key("maximum-timeout", ScalarTable.Duration("1s", "1m"), "Each further transmission waits twice as long as the one before, up to this; absent: each waits `timeout`."),
            ConfigurationTable.Key("login", Timers(), "Timers of each round of a login, where they differ."),
            ConfigurationTable.Key("authorization", Timers(), "Timers of authorization (groups, keys, access lists), where they differ."),
            ConfigurationTable.Key("accounting", Timers(), "Timers of accounting, where they differ."),
            ConfigurationTable.Key("mfa-wait", ScalarTable.Duration("5s", "170s"), "The server may ask the user on another way (push) before it answers: each request of a login is sent once, its answer is waited for this long, and no other server is asked. Keep it below the profile's `remote-authentication.eap.timeout`; absent: `login` holds."),
            ConfigurationTable.Key("require-message-authenticator", ScalarTable.Word(("always", MessageAuthenticatorRule.Always), ("eap", MessageAuthenticatorRule.Eap), ("off", MessageAuthenticatorRule.Off)),
                "Which replies without Message-Authenticator are ignored: all, or those of EAP, or none. `off` lets a man in the middle forge logins (CVE-2024-3596) and warns at every start; absent: `always` over UDP, `eap` over TLS."),
            ConfigurationTable.Key("status-server", ScalarTable.Word(("off", StatusServerRule.Off), ("auto", StatusServerRule.Auto), ("on", StatusServerRule.On)),
                "Status-Server (RFC 5997): `on` asks the server by it before it is taken for dead, and until it is back; `auto` does so once it has answered one; absent: `off` over UDP, `auto` over TLS, where it also watches silent connections."),
            ConfigurationTable.Key("status-interval", ScalarTable.Duration("6s", "1h"), "Time between such requests.", "30s"),
            .. Sources("requests to this server"),
        ])
    { Check = CheckServer }), "RADIUS servers.");

    public static ConfigurationKey Groups { get; } = ConfigurationTable.Key("groups", new ListSyntax(new SectionSyntax(
        [
            ConfigurationTable.NewName(ConfigurationTable.Groups, "group"),
            ConfigurationTable.Required("servers", new ListSyntax(ScalarTable.Name, Minimum: 1, Maximum: 64), "Names of servers; the first that is not dead is asked.") with { RefersTo = ConfigurationTable.Servers },
            ConfigurationTable.Key("dead-time", ScalarTable.Duration("0s", "1d"), "How long a server that did not answer is passed over, unless Status-Server tells.", "2m"),
            ConfigurationTable.Key("load-balance", ScalarTable.Boolean, "Ask the server with the fewest requests outstanding instead of the first.", "false"),
            .. Sources("requests to servers of the group that have none of their own"),
        ])), "Groups of servers that method lists name.");

    /// <summary>What holds between servers, groups and profiles.</summary>
    public static void Check(SectionValue root, DiagnosticStore diagnostics)
    {
        if (root.GetOptional<SectionValue>("radius") is not { } radius)
            return;
        foreach (var server in radius.Sections("servers"))
        {
            foreach (var key in SourceKeys)
            {
                var sources = GroupsOf(radius, server).Where(g => g.Has(key)).ToList();
                if (!server.Has(key) && sources.FirstOrDefault(g => !Equals(g.Find(key)!.Value, sources[0].Find(key)!.Value)) is { } other)
                    diagnostics.Error(other.PlaceOf(key), $"the server '{server.GetOptional<string>("name")}' is in two groups that give it different {key}");
            }
        }

        CheckPatience(root, radius, diagnostics);
    }

    public static RadiusServerOptions CompileServer(SectionValue radius, SectionValue server)
    {
        var isTls = server.Get<Transport>("transport") == Transport.Tls;
        var timeout = server.Get<TimeSpan>("timeout");
        return new RadiusServerOptions(
            server.Get<string>("name"), server.Get<IPAddress>("address"), server.Get<int>("auth-port"), server.Get<int>("acct-port"),
            isTls ? SecretOptions.FromText(RadSecOptions.SharedSecret) : server.Get<SecretOptions>(SecretParser.ValueKey("secret")),
            timeout, server.Get<int>("retransmit"))
        {
            MaximumTimeout = server.GetOptionalValue<TimeSpan>("maximum-timeout"),
            Login = TimersOf(server, "login"),
            Authorization = TimersOf(server, "authorization"),
            Accounting = TimersOf(server, "accounting"),
            MfaWait = server.GetOptionalValue<TimeSpan>("mfa-wait"),
            RequireMessageAuthenticator = server.GetOptionalValue<MessageAuthenticatorRule>("require-message-authenticator")
                ?? (isTls ? MessageAuthenticatorRule.Eap : MessageAuthenticatorRule.Always),
            StatusServer = server.GetOptionalValue<StatusServerRule>("status-server") ?? (isTls ? StatusServerRule.Auto : StatusServerRule.Off),
            StatusInterval = server.Get<TimeSpan>("status-interval"),
            SourceAddress = Source<IPAddress>(radius, server, "source-address"),
            SourceInterface = Source<string>(radius, server, "source-interface"),
            Tls = isTls
                ? new RadiusTlsOptions(server.Get<int>("tls-port"), PathOf(server, "ca-file"), PathOf(server, "certificate"), PathOf(server, "key"),
                    server.GetOptional<string>("server-name") ?? server.Get<IPAddress>("address").ToString())
                : null,
        };
    }

    public static RadiusGroupOptions CompileGroup(SectionValue group) =>
        new(group.Get<string>("name"), group.List<string>("servers"), group.Get<TimeSpan>("dead-time"), group.Get<bool>("load-balance"));

    private static SectionSyntax Timers() => new(
        ConfigurationTable.Key("timeout", ScalarTable.Duration("1s", "1m"), "As the server's; absent: the same."),
        ConfigurationTable.Key("retransmit", ScalarTable.Integer(0, 10), "As the server's; absent: the same."),
        ConfigurationTable.Key("maximum-timeout", ScalarTable.Duration("1s", "1m"), "As the server's; absent: the same."));

    private static ConfigurationKey[] Sources(string what) =>
    [
        ConfigurationTable.Key("source-address", ScalarTable.Address, $"Local address of {what}; absent: the kernel's choice."),
        ConfigurationTable.Key("source-interface", ScalarTable.Text, $"Interface or VRF device that {what} leave by; absent: the kernel's choice."),
    ];

    private static RadiusTimers? TimersOf(SectionValue server, string key)
    {
        var timers = server.Section(key);
        if (!timers.Written)
            return null;
        var timeout = timers.GetOptionalValue<TimeSpan>("timeout") ?? server.Get<TimeSpan>("timeout");
        var maximum = timers.GetOptionalValue<TimeSpan>("maximum-timeout") ?? server.GetOptionalValue<TimeSpan>("maximum-timeout") ?? timeout;
        return new RadiusTimers(timeout, timers.GetOptionalValue<int>("retransmit") ?? server.Get<int>("retransmit"), maximum > timeout ? maximum : timeout);
    }

    private static void CheckServer(SectionValue server, DiagnosticStore diagnostics)
    {
        var isTls = server.GetOptionalValue<Transport>("transport") == Transport.Tls;
        if (isTls)
        {
            foreach (var key in TlsKeys.Where(k => !server.Has(k) && !server.IsRejected(k)))
                diagnostics.Error(server.At, $"missing key '{key}', which 'transport: tls' needs");
            foreach (var key in SecretKeys.Where(server.Has))
                diagnostics.Error(server.PlaceOf(key), $"'{key}' has no place with 'transport: tls': the certificates are the secret (RFC 6614 2.3)");
            foreach (var key in TlsKeys.Where(server.Has))
                ConfigurationPaths.TryCheckFile(PathOf(server, key), key == "key", server.PlaceOf(key), diagnostics);
        }
        else
        {
            SecretParser.Read(server, "secret", SecretParser.SharedSecretLength, diagnostics);
            if (server.GetOptional<SecretOptions>(SecretParser.ValueKey("secret")) is { Length: > RadiusSecret.MaximumLength } secret)
                diagnostics.Error(server.PlaceOf(SecretParser.ValueKey("secret")), $"the secret has {secret.Length} octets, more than {RadiusSecret.MaximumLength}");
            foreach (var key in TlsKeys.Append("server-name").Where(server.Has))
                diagnostics.Error(server.PlaceOf(key), $"'{key}' needs 'transport: tls'");
        }

        if (server.GetOptionalValue<MessageAuthenticatorRule>("require-message-authenticator") == MessageAuthenticatorRule.Off && !isTls)
            diagnostics.Warning(server.PlaceOf("require-message-authenticator"),
                "replies without Message-Authenticator are taken: whoever is on the way to this server can log in as anybody (CVE-2024-3596); update the server and remove this");
        if (server.GetOptional<string>("source-interface") is { Length: > 15 })
            diagnostics.Error(server.PlaceOf("source-interface"), "an interface name has at most 15 characters");
        if (server.GetOptionalValue<TimeSpan>("maximum-timeout") is { } maximum && server.GetOptionalValue<TimeSpan>("timeout") is { } timeout && maximum < timeout)
            diagnostics.Error(server.PlaceOf("maximum-timeout"), "'maximum-timeout' is below 'timeout'");
        if (server.GetOptional<IPAddress>("source-address") is { } source && server.GetOptional<IPAddress>("address") is { } address && source.AddressFamily != address.AddressFamily)
            diagnostics.Error(server.PlaceOf("source-address"), "'source-address' and 'address' are of different families");
        if (server.Has("mfa-wait") && server.GetOptional<SectionValue>("login") is { Written: true } login)
            diagnostics.Error(login.At, "'login' would never act beside 'mfa-wait'");
    }

    // A wait that the profile cuts short ends every login that uses it.
    private static void CheckPatience(SectionValue root, SectionValue radius, DiagnosticStore diagnostics)
    {
        var lists = root.GetOptional<SectionValue>("aaa")?.Sections("authentication").ToList() ?? [];
        foreach (var profile in root.GetOptional<SectionValue>("ikev2")?.Sections("profiles") ?? [])
        {
            if (profile.GetOptional<SectionValue>("remote-authentication")?.GetOptional<SectionValue>("eap")?.GetOptionalValue<TimeSpan>("timeout") is not { } patience
                || profile.GetOptional<string>("authentication-list") is not { } name
                || lists.Find(l => l.GetOptional<string>("name") == name) is not { } list)
            {
                continue;
            }
            var groups = list.Items("methods").Select(m => (m.Value as AaaMethodOptions)?.Group).ToHashSet();
            foreach (var server in radius.Sections("servers").Where(s => s.GetOptionalValue<TimeSpan>("mfa-wait") >= patience))
                if (GroupsOf(radius, server).Any(g => groups.Contains(g.GetOptional<string>("name"))))
                    diagnostics.Warning(server.PlaceOf("mfa-wait"), $"the profile '{profile.GetOptional<string>("name")}' ends EAP after {patience.TotalSeconds:0} s, before this wait is over");
        }
    }

    private static IEnumerable<SectionValue> GroupsOf(SectionValue radius, SectionValue server) =>
        radius.Sections("groups").Where(g => server.GetOptional<string>("name") is { } name && g.Items("servers").Any(s => Equals(s.Value, name)));

    private static T? Source<T>(SectionValue radius, SectionValue server, string key)
        where T : class =>
        server.GetOptional<T>(key) ?? GroupsOf(radius, server).Select(g => g.GetOptional<T>(key)).FirstOrDefault(s => s is not null);

    private static string PathOf(SectionValue section, string key) => ConfigurationPaths.Resolve(section.Get<string>(key), section.PlaceOf(key));
}
