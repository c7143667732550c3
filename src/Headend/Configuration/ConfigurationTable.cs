namespace Headend.Configuration;

/// <summary>
/// Every key of the configuration. Parsing, defaults, docs/headend.schema.json and docs/configuration.md come from here. A key stands here only when
/// something acts on it.
/// </summary>
internal static class ConfigurationTable
{
    public const string Servers = "radius.servers";
    public const string Groups = "radius.groups";
    public const string AuthenticationLists = "aaa.authentication";
    public const string AuthorizationLists = "aaa.authorization";
    public const string AccountingLists = "aaa.accounting";
    public const string Policies = "ikev2.authorization-policies";
    public const string Proposals = "ikev2.proposals";
    public const string Templates = "virtual-templates";
    public const string PoolNames = "pools";

    /// <summary>Name of the proposal that profiles use when they name none, and its transforms unless the configuration declares it.</summary>
    public const string DefaultProposal = "default";

    private const string RouteSetDoc = "Networks that the client should send through the tunnel: `prefix P/L`, `remote ipv4 ADDR MASK`, `remote ipv6 P/L`, `interface [NAME]`, "
        + "`access-list [ipv6] NAME`; networks behind the client: `local ipv4 ADDR MASK [tag:T] [distance:D]`, `local ipv6 P/L [tag:T] [distance:D]`.";

    public static IReadOnlyList<string> DefaultTransforms { get; } =
        ["aes256gcm16-prfsha384-ecp384", "aes256gcm16-prfsha256-x25519", "aes256-sha256-x25519", "aes256-sha256-ecp256", "aes256-sha256-modp2048"];

    public static SectionSyntax Root { get; } = new(
        Key("include", new ListSyntax(ScalarTable.Path, Maximum: 100), "Further files, relative to this one; `*` and `?` in the last part stand for any characters. Lists are joined, a value set twice is an error. Only the first file may include."),
        Key("listen", ListenSection(), "Where the headend listens for IKE and ESP in UDP."),
        Key("data-plane", new SectionSyntax(
            Key("kind", ScalarTable.Word(("auto", DataPlaneKind.Auto), ("user-space", DataPlaneKind.UserSpace), ("xfrm", DataPlaneKind.Xfrm), ("none", DataPlaneKind.None)),
                "`xfrm`: ESP in the kernel and xfrm interfaces, without GRE; `user-space`: ESP and GRE in this process and TUN interfaces; `none`: control plane only; `auto`: `xfrm` where the kernel has every part of it and nothing in this configuration needs the other one, else `user-space`, with the reason in the log (docs/data-plane.md).", "auto")), "How packets of sessions move."),
        Key("state-directory", ScalarTable.Path, "Directory of what must outlive the process. Created with mode 0700.", "/var/lib/headend"),
        Key("admin", new SectionSyntax(
            Key("socket", ScalarTable.Path, "Unix socket of the admin API, mode 0600.", "/run/headend/admin.sock")), "The admin API that `headend show` and `headend clear` use."),
        Key("store", new SectionSyntax(
            Key("kind", ScalarTable.Word(("embedded", StoreKind.Embedded)), "`embedded`: the SQLite file `headend.db` in the state directory.", "embedded"),
            Key("key-file", ScalarTable.Path,
                "What sealed records of the store are encrypted with; made at the first start, mode 0600, and given a new key at every start. A copy of the store without it is useless. Absent: `headend.key` in the state directory."),
            Key("sessions-at-stop", ScalarTable.Word(("end", SessionsAtStop.End), ("keep", SessionsAtStop.Keep)),
                "What a stop of the headend (SIGTERM) means to sessions that clients may come back to (`reconnect`, `client-resume`, `session-resumption`). `end`: their end, as for all others; `keep`: clients hear nothing and come back to the next start, as after a crash.", "end")),
            "Where accounting records wait for a RADIUS server to take them, and sessions for their clients."),
        Key("telemetry", TelemetrySection(), "Metrics and traces."),
        Key("admission", AdmissionSection(), "Bounds on IKE SAs that have not authenticated."),
        Key("radius", RadiusSection(), "RADIUS servers and groups of them."),
        Key("aaa", AaaSection(), "Method lists and local users."),
        Required("ikev2", Ikev2Section(), "IKEv2: proposals, policies and profiles."),
        VirtualTemplateTable.Key,
        VirtualTemplateTable.Vrfs,
        Key("pools", PoolTable.List, "Addresses for clients. Entries of one name are one pool; their ranges are used in the order written."),
        AccessListTable.Key,
        QosTable.Key,
        ClientServiceTable.Key)
    { Check = ConfigurationChecks.Root };

    private static SectionSyntax ListenSection() => new(
        Key("addresses", new ListSyntax(ScalarTable.Address, Minimum: 1, Maximum: 64), "Local addresses.", "[0.0.0.0, '::']"),
        Key("ike-port", ScalarTable.Port, "UDP port of IKE.", "500"),
        Key("nat-t-port", ScalarTable.Port, "UDP port of IKE and ESP behind a NAT (RFC 3948).", "4500"))
    { Check = ConfigurationChecks.Listen };

    private static SectionSyntax TelemetrySection() => new(
        Key("service-name", ScalarTable.Name, "`service.name` of metrics and traces.", "headend"),
        Key("otlp", new SectionSyntax(Key("endpoint", ScalarTable.HttpUrl, "OTLP over gRPC goes here, such as `http://127.0.0.1:4317`; absent: nowhere.")), "OpenTelemetry export of metrics and traces."),
        Key("prometheus", new SectionSyntax(Key("listen", ScalarTable.EndPoint, "`/metrics` is served here, such as `127.0.0.1:9464`; absent: nowhere.")), "Prometheus exposition."));

    private static SectionSyntax AdmissionSection() => new(
        Key("half-open", ScalarTable.Integer(1, 1_000_000), "Most half-open IKE SAs; further IKE_SA_INIT requests are dropped.", "20000"),
        Key("half-open-per-source", ScalarTable.Integer(1, 1_000_000), "Most half-open IKE SAs from one address (IPv6: one /64). Many clients may share one NAT.", "1000"),
        Key("cookie-threshold", ScalarTable.Integer(0, 1_000_000), "Half-open IKE SAs from which on IKE_SA_INIT is answered with a COOKIE (RFC 7296 2.6).", "500"));

    private static SectionSyntax RadiusSection() => new(
        RadiusTable.Servers,
        RadiusTable.Groups,
        DictionaryTable.Key,
        Key("attributes", new SectionSyntax(
            Key("nas-identifier", ScalarTable.Text, "NAS-Identifier (32) of every request; absent: the machine's host name."),
            Key("nas-ip-address", ScalarTable.Address, "NAS-IP-Address (4) or NAS-IPv6-Address (95) of every request; absent: what requests to the first server come from.")), "Attributes of every request."),
        Key("dynamic-author", DynamicAuthorTable.Section, "Disconnect- and CoA-Requests (RFC 5176); absent: none are taken."));

    private static SectionSyntax AaaSection() => new(
        Key("authentication", new ListSyntax(new SectionSyntax(NewName(AuthenticationLists, "list"), Methods(ScalarTable.Method, Minimum: 1))), "Who decides a login."),
        Key("authorization", new ListSyntax(new SectionSyntax(NewName(AuthorizationLists, "list"), Methods(ScalarTable.Method, Minimum: 1))), "Where the policies of groups, the attributes of users and pre-shared keys come from."),
        Key("accounting", new ListSyntax(new SectionSyntax(
            NewName(AccountingLists, "list"),
            Methods(ScalarTable.AccountingMethod, Minimum: 1),
            Key("interim-interval", ScalarTable.Duration("1m", "1d"), "Time between Interim-Updates where the Access-Accept names none; absent: none are sent."),
            Key("on-failure", ScalarTable.Word(("keep", AccountingFailureMode.Keep), ("end-session", AccountingFailureMode.EndSession)),
                "`keep`: sessions go on while no server takes their records; `end-session`: a session whose Start or Interim-Update waits for `failure-time` is ended.", "keep"),
            Key("failure-time", ScalarTable.Duration("10s", "1d"), "How long a record may wait with `on-failure: end-session`.", "5m"))), "Where accounting records go."),
        Key("accounting-spool", new SectionSyntax(
            Key("records", ScalarTable.Integer(1000, 10_000_000), "Records that may wait; beyond it the oldest Interim-Updates are dropped, Start and Stop never.", "100000"),
            Key("size", ScalarTable.Size("1MB"), "Octets of records that may wait, in memory and on disk; beyond it the same.", "256MB"),
            Key("checkpoint-interval", ScalarTable.Duration("1s", "1h"), "Time between the points at which the counters of open sessions are stored; the Stop after a crash reports the last.", "30s")),
            "What waits for a RADIUS server. `headend show aaa accounting` shows it."),
        LocalUserTable.Users,
        LocalUserTable.Lists,
        LocalEapTable.Lockout);

    private static SectionSyntax Ikev2Section() => new(
        Key("allow-legacy", ScalarTable.Boolean,
            "Lets proposals and transforms name algorithms that are too weak today (RFC 8247): `3des`, `md5`, `prfmd5`, `modp768`, `modp1024`, `modp1536`, `modp1024s160`, `modp2048s224`, `modp2048s256`, `ecp192`, `ecp224`, `ecp224bp`. Without it they are errors.", "false"),
        Key("proposals", new ListSyntax(new SectionSyntax(
            NewName(Proposals, "proposal"),
            Required("transforms", new ListSyntax(ScalarTable.Text, Minimum: 1, Maximum: 64), "Suites of the IKE SA in order of preference, such as `aes256gcm16-prfsha384-ecp384`.") with { Rule = r => r.IkeTransforms })),
            $"Suites of the IKE SA. A proposal `{DefaultProposal}` is built in: {string.Join(", ", DefaultTransforms)}."),
        Key("authorization-policies", new ListSyntax(new SectionSyntax(
            NewName(Policies, "policy"),
            Key("pool", ScalarTable.Name, "IPv4 pool.") with { RefersTo = PoolNames },
            Key("ipv6-pool", ScalarTable.Name, "IPv6 pool.") with { RefersTo = PoolNames },
            Key("delegated-prefix-pool", ScalarTable.Name, "Pool with a `prefix-length`: each client that asks for an IPv6 address gets a prefix of it for the network behind it.") with { RefersTo = PoolNames },
            Key("dhcp", new SectionSyntax(
                Required("servers", new ListSyntax(ScalarTable.Address, Minimum: 1, Maximum: 8), "IPv4 addresses of DHCP servers, asked in this order."),
                Key("giaddr", ScalarTable.Address, "Address of this machine that requests come from and answers go to; it also tells the server which subnet to lease of. Absent: the one from which the first server is reached."),
                Key("timeout", ScalarTable.Duration("1s", "1m"), "How long each server is waited for.", "8s")),
                "The IPv4 address is leased from a DHCP server for as long as the session lasts, instead of from `pool`."),
            Key("dns", new ListSyntax(ScalarTable.Address, Maximum: 8), "DNS servers for the client."),
            Key("default-domain", ScalarTable.Text, "DNS domain for the client."),
            Key("route-set", new ListSyntax(ScalarTable.RouteSet, Maximum: 100), RouteSetDoc) with { Rule = r => r.RouteSet },
            PolicyNatTable.Key,
            Key("attribute-list", ScalarTable.Name, "Further attributes; where a key of the policy says the same thing, the key wins.") with { RefersTo = LocalUserTable.AttributeLists })),
            "What a group of users gets."),
        NameManglerTable.Key,
        KeyringTable.Key,
        Required("profiles", new ListSyntax(ProfileTable.Section, Minimum: 1), "Who may log in and how. The first profile that matches serves the client."))
    { Check = ConfigurationChecks.LegacyAlgorithms };

    internal static ConfigurationKey Key(string name, ConfigurationSyntax syntax, string doc, string? @default = null) =>
        new(name, syntax, doc) { Default = @default };

    internal static ConfigurationKey Required(string name, ConfigurationSyntax syntax, string doc) => new(name, syntax, doc) { Required = true };

    internal static ConfigurationKey NewName(string kind, string what) =>
        Required("name", ScalarTable.Name, $"Name of the {what}.") with { Declares = kind };

    private static ConfigurationKey Methods(ScalarSyntax method, int Minimum) =>
        Required("methods", new ListSyntax(method, Minimum, 8), "`group NAME` or `local`, tried in order; the next is asked only when one is unavailable.") with { RefersTo = Groups };

    internal static ConfigurationKey[] Secret(string prefix, string what, string? rule = null) =>
    [
        Key(prefix, ScalarTable.Text, $"{what} in this file. {rule ?? $"Exactly one of `{prefix}`, `{prefix}-file`, `{prefix}-env` is needed."}"),
        Key(prefix + "-file", ScalarTable.Path, $"File whose first line is it; relative to the file in which this stands. Others than the owner should not be able to read it."),
        Key(prefix + "-env", ScalarTable.Text, $"Environment variable that holds it."),
    ];
}
