using System.Net;
using Headend.Ikev2;
using Headend.VirtualAccess.DataPlane;

namespace Headend.Configuration;

/// <summary>Makes the typed configuration of a tree without errors.</summary>
internal static class ConfigurationCompiler
{
    public static HeadendConfiguration Compile(SectionValue root)
    {
        var listen = root.Section("listen");
        var admission = root.Section("admission");
        return new HeadendConfiguration
        {
            Listen = new ListenOptions(listen.List<IPAddress>("addresses"), listen.Get<int>("ike-port"), listen.Get<int>("nat-t-port")),
            DataPlane = root.Section("data-plane").Get<DataPlaneKind>("kind"),
            KernelPlaneGap = KernelPlaneChecks.Gaps(root).Select(gap => $"{gap.What} ({gap.At})").FirstOrDefault(),
            StateDirectory = PathOf(root, "state-directory"),
            Store = CompileStore(root.Section("store")),
            AdminSocket = PathOf(root.Section("admin"), "socket"),
            Telemetry = Telemetry(root.Section("telemetry")),
            Admission = new AdmissionOptions(
                admission.Get<int>("half-open"), admission.Get<int>("half-open-per-source"), admission.Get<int>("cookie-threshold")),
            Radius = Radius(root.Section("radius")),
            Aaa = Aaa(root.Section("aaa")),
            Ikev2 = Ikev2(root.Section("ikev2")),
            VirtualTemplates = VirtualTemplateTable.Compile(root),
            Vrfs = VirtualTemplateTable.CompileVrfs(root),
            Pools = PoolTable.Compile(root),
            AccessLists = AccessListTable.Compile(root),
            Qos = QosTable.Compile(root),
            ClientServices = ClientServiceTable.Compile(root),
        };
    }

    private static TelemetryOptions Telemetry(SectionValue section) => new(
        section.Get<string>("service-name"),
        section.Section("otlp").GetOptional<Uri>("endpoint"),
        section.Section("prometheus").GetOptional<IPEndPoint>("listen"));

    private static RadiusOptions Radius(SectionValue section) => new(
        [.. section.Sections("servers").Select(s => RadiusTable.CompileServer(section, s))],
        [.. section.Sections("groups").Select(RadiusTable.CompileGroup)],
        section.Section("attributes").GetOptional<string>("nas-identifier"),
        DynamicAuthorTable.Compile(section.GetOptional<SectionValue>("dynamic-author")))
    {
        NasAddress = section.Section("attributes").GetOptional<IPAddress>("nas-ip-address"),
        Dictionary = DictionaryTable.Of(section),
    };

    private static AaaOptions Aaa(SectionValue section) => new(
        [.. section.Sections("authentication").Select(MethodList)],
        [.. section.Sections("authorization").Select(MethodList)],
        [.. section.Sections("accounting").Select(a => new AccountingListOptions(
            a.Get<string>("name"), a.List<AaaMethodOptions>("methods"), a.GetOptionalValue<TimeSpan>("interim-interval"),
            a.Get<AccountingFailureMode>("on-failure") == AccountingFailureMode.EndSession ? a.Get<TimeSpan>("failure-time") : null))],
        AccountingSpool(section.Section("accounting-spool")),
        [.. section.Sections("local-users").Select(LocalUserTable.Compile)])
    {
        Lockout = LocalEapTable.CompileLockout(section.Section("lockout")),
        AttributeLists = [.. section.Sections("attribute-lists").Select(l => new AttributeListOptions(l.Get<string>("name"), l.List<string>("attributes")))],
    };

    private static AccountingSpoolOptions AccountingSpool(SectionValue section) =>
        new(section.Get<int>("records"), section.Get<long>("size"), section.Get<TimeSpan>("checkpoint-interval"));

    private static MethodListOptions MethodList(SectionValue list) => new(list.Get<string>("name"), list.List<AaaMethodOptions>("methods"));

    private static Ikev2Options Ikev2(SectionValue section)
    {
        List<IkeProposalOptions> proposals =
            [.. section.Sections("proposals").Select(p => new IkeProposalOptions(p.Get<string>("name"), p.List<string>("transforms")))];
        if (proposals.TrueForAll(p => p.Name != ConfigurationTable.DefaultProposal))
            proposals.Add(new IkeProposalOptions(ConfigurationTable.DefaultProposal, ConfigurationTable.DefaultTransforms));
        return new Ikev2Options(
            proposals,
            [.. section.Sections("authorization-policies").Select(p => new AuthorizationPolicyOptions(
                p.Get<string>("name"), p.GetOptional<string>("pool"), p.GetOptional<string>("ipv6-pool"),
                p.GetOptional<string>("delegated-prefix-pool"), Dhcp(p.GetOptional<SectionValue>("dhcp")), p.List<IPAddress>("dns"),
                p.GetOptional<string>("default-domain"), p.List<string>("route-set"), p.GetOptional<string>("attribute-list"))
            {
                Nat = p.GetOptional<PolicyNatOptions>("nat"),
            })],
            [.. section.Sections("profiles").Select(Profile)])
        {
            Keyrings = KeyringTable.Compile(section),
            NameManglers = NameManglerTable.Compile(section),
        };
    }

    private static DhcpOptions? Dhcp(SectionValue? section) =>
        section is null ? null : new DhcpOptions(section.List<IPAddress>("servers"), section.GetOptional<IPAddress>("giaddr"), section.Get<TimeSpan>("timeout"));

    private static IkeProfileOptions Profile(SectionValue profile)
    {
        var local = profile.Section("local-authentication");
        var remote = profile.Section("remote-authentication");
        var eap = remote.Section("eap");
        var ipsec = profile.Section("ipsec");
        var dpd = profile.Section("dpd");
        return new IkeProfileOptions
        {
            Name = profile.Get<string>("name"),
            MatchRemoteIdentity = profile.Section("match").List<IdentityMatch>("remote-identity"),
            MatchLocalIdentity = profile.Section("match").List<IdentityMatch>("local-identity"),
            LocalIdentity = profile.Get<IkeIdentity>("local-identity"),
            LocalAuthentication = local.Get<bool>("pre-share") ? null : new LocalCertificateOptions(PathOf(local, "certificate"), PathOf(local, "key")),
            Eap = eap.Written ? new EapOptions(eap.Get<bool>("query-identity"), eap.Get<TimeSpan>("timeout"), eap.Get<bool>("allow-methods-without-key")) : null,
            LocalEap = LocalEapTable.Compile(eap),
            AnyConnect = AnyConnectTable.Compile(profile, remote),
            CiscoAttributes = CiscoAttributeTable.Compile(profile),
            RemoteCertificate = ClientCertificateTable.Compile(remote),
            RemotePreSharedKey = remote.Get<bool>("pre-share"),
            Keyring = KeyringTable.CompileReference(profile),
            AuthenticationList = profile.GetOptional<string>("authentication-list"),
            Authorization = AuthorizationTable.Compile(profile),
            AccountingLists = AuthorizationTable.CompileAccounting(profile),
            Proposals = profile.List<string>("proposals"),
            Ipsec = new IpsecOptions(
                ipsec.List<string>("transforms"), ipsec.Get<PfsMode>("pfs"), ipsec.Get<TimeSpan>("lifetime"),
                ipsec.Get<long>("lifetime-volume") is var volume and > 0 ? volume : null, ipsec.Get<int>("replay-window"), ipsec.Get<DfBit>("df-bit")),
            IkeLifetime = profile.Get<TimeSpan>("ike-lifetime"),
            TrafficLocal = profile.Section("traffic").List<IPNetwork>("local"),
            Dpd = ReturnTable.CompileDpd(profile, dpd),
            Reconnect = ReturnTable.CompileReconnect(profile),
            ClientResume = ReturnTable.CompileClientResume(profile),
            Resumption = ReturnTable.CompileSessionResumption(profile),
            VirtualTemplate = profile.Get<int>("virtual-template"),
            IgnoresInterfaceErrors = profile.Get<InterfaceErrorMode>("interface-config-errors") == InterfaceErrorMode.Ignore,
            Unique = profile.Get<UniqueOptions>("unique"),
        };
    }

    private static StoreOptions CompileStore(SectionValue section) => new(
        section.GetOptional<string>("key-file") is null ? null : PathOf(section, "key-file"), section.Get<SessionsAtStop>("sessions-at-stop") == SessionsAtStop.Keep);

    private static string PathOf(SectionValue section, string key) => ConfigurationPaths.Resolve(section.Get<string>(key), section.PlaceOf(key));
}
