using System.Net;
using Headend.Aaa.Authorization;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Pki;
using Headend.Pki.Verification;
using Headend.Runtime;
using Headend.Sessions;
using DpdMode = Headend.Ikev2.DpdMode;

namespace Headend.Composition;

/// <summary>Turns the configuration's profiles into the core's, each tagged with what it means outside of IKE.</summary>
internal sealed class ProfileCompiler(
    HeadendConfiguration configuration, RadiusComposition radius, VirtualTemplateStore templates, IProfileObserver observer, TimeProvider time)
{
    /// <summary>Longer than a local keyring and the arithmetic of AUTH take, so that the time of a refusal tells nothing; short for somebody who mistyped a key.</summary>
    private static readonly TimeSpan RefusalDelay = TimeSpan.FromSeconds(1);

    /// <summary>RADIUS servers delay an Access-Reject (FreeRADIUS by a second) and not the Access-Accept that holds the key: longer than both.</summary>
    private static readonly TimeSpan AaaRefusalDelay = TimeSpan.FromSeconds(3);

    /// <summary>The configuration's users, policies and attribute lists, once compiled.</summary>
    public LocalUserStore Users { get; private set; } = new([], LocalProfiles.None);

    /// <summary>Asks RADIUS and <see cref="Users"/>, once compiled.</summary>
    public AuthorizationClient Authorization { get; private set; } = new(null, new LocalUserStore([], LocalProfiles.None), observer);

    /// <exception cref="HeadendStartException">Names every certificate, key and policy that cannot be used.</exception>
    public IReadOnlyList<IkeProfile> Compile()
    {
        var errors = new List<string>();
        var policies = CompilePolicies(errors);
        Users = new LocalUserStore(configuration.Aaa.LocalUsers, policies ?? LocalProfiles.None);
        Authorization = new AuthorizationClient(radius.Client, Users, observer);
        var profiles = new List<IkeProfile>();
        foreach (var options in configuration.Ikev2.Profiles)
        {
            var files = options.LocalAuthentication;
            ServerCredential? credential = null;
            if (files is not null && !ServerCredential.TryLoad(files.CertificateFile, files.KeyFile, time.GetUtcNow(), out credential, out var error))
                errors.Add($"profile {options.Name}: {error}");
            else if (!LocalEapCompiler.TryCompile(options.LocalEap, files, time.GetUtcNow(), out var localEap, out error))
                errors.Add($"profile {options.Name}: {error}");
            else if (!AnyConnectCompiler.TryCompile(options, configuration, radius, credential?.Leaf, out var anyConnect, out error))
                errors.Add($"profile {options.Name}: {error}");
            else if (!TryCompileCertificates(options, out var certificates, out error))
                errors.Add($"profile {options.Name}: {error}");
            else if (policies is not null)
                profiles.Add(Compile(options, credential, new RemoteBindings(localEap, anyConnect, certificates)));
        }

        return errors.Count == 0 ? profiles : throw new HeadendStartException(string.Join('\n', errors));
    }

    private bool TryCompileCertificates(IkeProfileOptions options, out ClientCertificateBinding? certificates, out string error)
    {
        certificates = null;
        error = "";
        return options.RemoteCertificate is null || ClientCertificateComposition.TryCompile(options.RemoteCertificate, configuration, out certificates, out error);
    }

    private static IkeCredential Translate(ServerCredential credential) => new(
        credential.Leaf,
        [credential.Leaf.RawDataMemory, .. credential.Chain.Select(c => c.RawDataMemory)],
        credential.Key);

    private static DpdMode Translate(Configuration.DpdMode mode) => mode switch
    {
        Configuration.DpdMode.OnDemand => DpdMode.OnDemand,
        Configuration.DpdMode.Smart => DpdMode.Smart,
        _ => DpdMode.Periodic,
    };

    private static ReconnectPolicy Translate(ReconnectOptions options) => new(
        options.Timeout, new((ushort)options.SessionId), new((ushort)options.TokenId), new((ushort)options.CleanupInterval), new((ushort)options.DpdInterval));

    private static PfsPolicy Translate(PfsMode mode) => mode switch
    {
        PfsMode.Required => PfsPolicy.Required,
        PfsMode.None => PfsPolicy.Disabled,
        _ => PfsPolicy.Optional,
    };

    // 0.0.0.0/0 and ::/0 together are everything, which the core writes as an empty list.
    private static IReadOnlyList<IPNetwork> Translate(IReadOnlyList<IPNetwork> traffic) =>
        traffic.Count(n => n.PrefixLength == 0) == 2 ? [] : traffic;

    private LocalProfiles? CompilePolicies(List<string> errors)
    {
        var policies = configuration.Ikev2.AuthorizationPolicies.Select(p => new LocalPolicyOptions(p.Name)
        {
            Pool = p.Pool,
            Ipv6Pool = p.Ipv6Pool,
            DelegatedPrefixPool = p.DelegatedPrefixPool,
            DhcpServers = p.Dhcp?.Servers ?? [],
            DhcpGiaddr = p.Dhcp?.Giaddr,
            DhcpTimeout = p.Dhcp?.Timeout,
            Dns = p.Dns,
            DefaultDomain = p.DefaultDomain,
            RouteSet = p.RouteSet,
            InterfaceCommands = p.Nat?.ToCommands(pool => configuration.Pools.First(o => o.Name == pool).Ranges[0].Family) ?? [],
            AttributeList = p.AttributeList,
        });
        var lists = configuration.Aaa.AttributeLists.ToDictionary(l => l.Name, l => l.Attributes, StringComparer.Ordinal);
        if (LocalProfiles.TryCompile([.. policies], lists, observer, out var result, out var found, configuration.Radius.Dictionary))
            return result;
        errors.AddRange(found);
        return null;
    }

    private IkeProfile Compile(IkeProfileOptions options, ServerCredential? credential, RemoteBindings remotes)
    {
        var proposals = options.Proposals.SelectMany(name => configuration.Ikev2.Proposals.First(p => p.Name == name).Transforms);
        return new IkeProfile
        {
            Name = options.Name,
            RemoteIdentities = options.MatchRemoteIdentity,
            LocalIdentities = options.MatchLocalIdentity,
            LocalIdentity = options.LocalIdentity,
            Credential = credential is null ? null : Translate(credential),
            RemoteEap = options.Eap is not null || options.AnyConnect is not null,
            EapTimeout = EapTimeoutOf(options),
            EapSignsInitiatorOctets = remotes.AnyConnect?.Certificate is not null,
            RemoteCertificate = remotes.Certificates is not null,
            CertificateAuthorities = remotes.Certificates is null ? [] : ClientCertificateComposition.RequestOf(remotes.Certificates.Trust),
            CertificateThenEap = options is { RemoteCertificate: { } remote, Eap: not null } ? remote.ThenEap : SecondAuthentication.Refused,
            RemotePreSharedKey = options.RemotePreSharedKey,
            PskRefusalDelay = !options.RemotePreSharedKey ? options.Reconnect is null ? TimeSpan.Zero : RefusalDelay : options.Keyring?.Aaa is null ? RefusalDelay : AaaRefusalDelay,
            IkeProposals = [.. proposals.Select(ProposalParser.ParseIke)],
            EspProposals = [.. options.Ipsec.Transforms.Select(ProposalParser.ParseEsp)],
            Pfs = Translate(options.Ipsec.Pfs),
            IkeLifetime = options.IkeLifetime,
            ChildLifetime = options.Ipsec.Lifetime,
            ChildLifetimeOctets = options.Ipsec.LifetimeVolume ?? 0,
            ReplayWindow = options.Ipsec.ReplayWindow,
            LocalTraffic = Translate(options.TrafficLocal),
            DpdMode = Translate(options.Dpd.Mode),
            DpdInterval = options.Dpd.Interval,
            RetransmitTries = options.Dpd.Retransmissions,
            Reconnect = options.Reconnect is { } reconnect ? Translate(reconnect) : null,
            ClientResume = options.ClientResume,
            Resumption = options.Resumption is { } resumption ? new ResumptionPolicy(resumption.Lifetime, resumption.Timeout) : null,
            Tag = Bind(options, remotes),
        };
    }

    private static TimeSpan EapTimeoutOf(IkeProfileOptions options)
    {
        var eap = options.Eap is null && options.AnyConnect is not null ? TimeSpan.Zero : (options.Eap ?? EapOptions.Default).Timeout;
        return options.AnyConnect is { } client && client.Timeout > eap ? client.Timeout : eap;
    }

    private AuthorizationBinding Translate(AuthorizationOptions options) => new(
        options.UserCached, options.User is null ? null : Translate(options.User), options.Group is null ? null : Translate(options.Group), options.GroupOverrides);

    private AuthorizationRequest Translate(AuthorizationRequestOptions options) => new(
        options.List,
        radius.MethodsOf(configuration.Aaa.Authorization.First(l => l.Name == options.List)),
        options.Name,
        options.Mangler is null ? null : configuration.Ikev2.NameManglers.First(m => m.Name == options.Mangler),
        options.Password)
    {
        OfChosenGroup = options.OfChosenGroup,
    };

    // Local ones first: they answer at once.
    private List<IKeyring> KeyringsOf(ProfileKeyringOptions? options)
    {
        var keyrings = new List<IKeyring>();
        if (options?.Local is { } name)
            keyrings.Add(new LocalKeyring(configuration.Ikev2.Keyrings.First(k => k.Name == name)));
        if (options?.Aaa is { } aaa)
            keyrings.Add(new AaaKeyring(Authorization, Translate(aaa)));
        return keyrings;
    }

    private ProfileBinding Bind(IkeProfileOptions options, RemoteBindings remotes)
    {
        var aaa = configuration.Aaa;
        return new ProfileBinding
        {
            Name = options.Name,
            Eap = options.Eap ?? EapOptions.Default,
            LocalEap = remotes.LocalEap,
            AnyConnect = remotes.AnyConnect,
            CiscoAttributes = options.CiscoAttributes,
            Certificates = remotes.Certificates,
            Authentication = options.Eap is not null && options.AuthenticationList is { } authentication ? radius.MethodsOf(aaa.Authentication.First(l => l.Name == authentication)) : [],
            AuthenticationList = options.AuthenticationList,
            Keyrings = KeyringsOf(options.Keyring),
            Authorization = options.Authorization.ToDictionary(a => a.Key, a => Translate(a.Value)),
            Accounting = options.AccountingLists.Where(a => a.Value is not null).ToDictionary(a => a.Key, a => radius.AccountingOf(a.Value!)),
            Unique = options.Unique,
            Template = templates.Find(options.VirtualTemplate),
            IgnoresInterfaceErrors = options.IgnoresInterfaceErrors,
            ResumesClients = options.ClientResume is not null,
            DfBit = options.Ipsec.DfBit,
            NasIdentifier = configuration.NasIdentifier(),
            NasAddress = radius.NasAddress,
        };
    }

    /// <summary>What a profile's ways of authenticating clients were compiled to; null where it has none of the kind.</summary>
    private sealed record RemoteBindings(LocalEapBinding LocalEap, AnyConnectBinding? AnyConnect, ClientCertificateBinding? Certificates);
}
