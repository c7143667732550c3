using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Headend.Aaa.Authentication;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Pki.Verification;
using Headend.Runtime;
using Headend.Telemetry;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Policy;
using LoginRecord = Headend.Ikev2.LoginRecord;

namespace Headend.Sessions;

/// <summary>
/// One login and the session that comes of it, as the world outside of IKE sees it. Made by the first effect that names it, over with its SessionDown.
/// The shard's thread writes unless a member says otherwise; others read copies of immutable values.
/// </summary>
internal sealed partial class ClientSession
{
    private readonly Lock gate = new();
    private readonly List<AddressLease> leases = [];
    private bool closed;

    public ClientSession(LoginRecord login, IkeShard shard, SessionNames names, LoginTrace trace)
    {
        Home = new SessionHome(login.Session, shard);
        Names = names;
        Trace = trace;
        Binding = (ProfileBinding)login.Profile.Tag!;
        RemoteIdentity = login.RemoteIdentity;
        IkeIdentity = login.RemoteIdentity.Text;
        StartedAt = login.StartedAt;
        Path = login.Path;
        AddressAtLogin = login.Path.Remote.Address;
        ProvenSource = login.ProvenSource;
        Template = Binding.Template.Current;
        LocalNetworks = [.. login.Profile.LocalTraffic];
    }

    /// <summary>Changes when another login takes the session over; read once where both parts matter. Any thread.</summary>
    public SessionHome Home { get; private set; }

    public SessionId Id => Home.Id;

    /// <summary>By which the core knew it before it last moved; the table's.</summary>
    public SessionId? FormerId { get; set; }

    public IkeShard Shard => Home.Shard;

    public SessionNames Names { get; }

    /// <summary>Of the login that the session has last.</summary>
    public LoginTrace Trace { get; private set; }

    public ProfileBinding Binding { get; }

    /// <summary>What the client calls itself (IDi).</summary>
    public IkeIdentity RemoteIdentity { get; }

    /// <summary>The same as text.</summary>
    public string IkeIdentity { get; }

    public MonotonicTime StartedAt { get; private set; }

    public IkePath Path { get; private set; }

    /// <summary>The client's outer address when it came, which accounting's Start told.</summary>
    public IPAddress AddressAtLogin { get; }

    /// <summary>By which wrong passwords are counted.</summary>
    public IPAddress ProvenSource { get; }

    /// <summary>Networks behind the headend that the client is told of (INTERNAL_IP4_SUBNET, INTERNAL_IP6_SUBNET, DHCPINFORM); set before its interface is made.</summary>
    public IReadOnlyList<IPNetwork> Subnets { get; set; } = [];

    /// <summary>The authenticated user, or who claims to be it.</summary>
    public string? User { get; set; }

    /// <summary>The identity that EAP carried.</summary>
    public string? EapIdentity { get; set; }

    public string? Method { get; set; }

    /// <summary>How the headend proves itself, such as <c>RSA</c> or <c>PSK</c>; null before.</summary>
    public string? LocalMethod { get; private set; }

    /// <summary>What the headend calls itself (IDr).</summary>
    public string? LocalIdentity { get; private set; }

    /// <summary>Which lines of the profile fit the client, in the words of the configuration.</summary>
    public string ProfileMatch { get; private set; } = "";

    /// <summary>Which entry of which keyring gave the pre-shared key; null without one. Written by whoever looked it up, before the core has the key.</summary>
    public string? KeyEntry { get; set; }

    /// <summary>The pre-shared key is of this headend's own configuration.</summary>
    public bool KeyIsLocal { get; set; }

    public string? ClientSoftware { get; private set; }

    public bool NatDetected { get; private set; }

    public IEapConversation? Eap { get; set; }

    /// <summary>Whose certificate the client has proven to be its own; null before, and for clients without. Written by whoever verified it, before the core knows.</summary>
    public CertificateIdentity? Certificate { get; set; }

    /// <summary>The IKE identity that EAP begins with where it does not ask for one: of a second authentication the second (RFC 4739).</summary>
    public string EapIkeIdentity { get; private set; } = "";

    /// <summary>How the client proves itself; meaningful once it has begun to.</summary>
    public RemoteMethod RemoteMethod => Eap?.RemoteMethod ?? restored?.RemoteMethod ?? (Certificate is not null ? RemoteMethod.Certificate : RemoteMethod.PreSharedKey);

    /// <summary>What the authentication brought (Access-Accept, or the local user's policy); null before, and where it brings nothing.</summary>
    public AuthorizationSource? Authenticated { get; set; }

    /// <summary>What <see cref="Profile"/> was merged from, in order of application: the strongest last.</summary>
    public ImmutableArray<AuthorizationSource> AuthorizationSources { get; set; } = [];

    /// <summary>The merged authorization, from Authorize on.</summary>
    public SessionProfile Profile { get; set; } = SessionProfile.Empty;

    /// <summary>The servers whose attributes the session has: where an access list that they name is downloaded. Null for local users and policies.</summary>
    public RadiusServerGroup? AuthorizedBy { get; set; }

    public AssignedAddresses? Addresses { get; set; }

    /// <summary>The DHCP lease of the IPv4 address; null where it is of another source.</summary>
    public DhcpBinding? Lease { get; set; }

    /// <summary>The IPv6 prefix that the client's own address lies in and that is the session's alone. Set with <see cref="Addresses"/>.</summary>
    public IPNetwork? FramedPrefix { get; set; }

    /// <summary>The prefix delegated to the client (RFC 4818), named by AAA or of a pool. Set with <see cref="Addresses"/>.</summary>
    public IPNetwork? DelegatedPrefix { get; set; }

    /// <summary>True once an interface has been asked for, so that the end must go through the kernel worker.</summary>
    public bool InterfaceRequested { get; set; }

    /// <summary>Written by the kernel worker.</summary>
    public SessionHandle Handle { get; set; }

    /// <summary>What the session's interface is cloned from: the profile's template as it was when the login began.</summary>
    public VirtualTemplate Template { get; }

    /// <summary>What its client may reach; empty = everything.</summary>
    public ImmutableArray<IPNetwork> LocalNetworks { get; }

    /// <summary>From the selectors of the first CHILD_SA.</summary>
    public TunnelEncapsulation Encapsulation { get; set; }

    /// <summary>The session as the last source of its interface's configuration.</summary>
    public TunnelSession Tunnel => new(Path.Local.Address, Path.Remote.Address, Encapsulation, Binding.Name);

    /// <summary>What the interface is configured with; written by the kernel worker once the interface stands.</summary>
    public InterfaceConfig? InterfaceConfig { get; set; }

    /// <summary>The lists that its packets must pass; written by the kernel worker once they stand.</summary>
    public InterfaceFilter Filter { get; set; } = InterfaceFilter.None;

    /// <summary>Where <see cref="Filter"/> comes from: the profile, with the filters of later changes; null before the interface stands. Written by the kernel worker.</summary>
    public SessionProfile? FilterProfile { get; set; }

    /// <summary>What pools gave for one-to-one translation, by pool; the session's until it ends. Written by whoever derives the interface, one after the other.</summary>
    public ImmutableDictionary<string, IPAddress> NatAddresses { get; set; } = ImmutableDictionary<string, IPAddress>.Empty;

    /// <summary>Held while a change of authorization is applied: one after the other. A login that brings another authorization is one, too.</summary>
    public SemaphoreSlim ChangeGate { get; } = new(1, 1);

    /// <summary>Routes that the client announced and has. Written by the kernel worker.</summary>
    public ImmutableArray<InterfaceRoute> AnnouncedRoutes { get; set; } = [];

    /// <summary>From its Start on; null before, and where there is none. Never taken back: any thread reads it.</summary>
    public SessionAccounting? Accounting { get; set; }

    /// <summary>When SessionUp came; null before.</summary>
    public MonotonicTime? UpAt { get; set; }

    /// <summary>When its client last came back; null before. Idle-Timeout counts from then, or from a later inner packet.</summary>
    public MonotonicTime? ReturnedAt { get; set; }

    /// <summary>Under which identity it counts among simultaneous sessions; null while it does not. Under the gate of that table.</summary>
    public string? PlaceIdentity { get; set; }

    /// <summary>No later process can take it up again; meaningful once <see cref="Gone"/> is complete.</summary>
    public bool IsRevoked { get; set; }

    /// <summary>Completes when the session has given back everything and was removed from the store.</summary>
    public TaskCompletionSource Gone { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string InterfaceName => InterfaceNameOf(Names);

    public string DeviceName => $"vi{Names.Number}";

    /// <summary>True from SessionDown on; whatever completes later gives back what it got.</summary>
    public bool IsClosed
    {
        get
        {
            lock (gate)
                return closed;
        }
    }

    public static string InterfaceNameOf(SessionNames names) => $"Virtual-Access{names.Number}";

    /// <summary>Takes <see cref="ChangeGate"/>, which the caller releases; at once where it is free. False when it was not to be had in time.</summary>
    public async ValueTask<bool> TryBeginChangeAsync(TimeSpan patience, TimeProvider time)
    {
        if (ChangeGate.Wait(0))
            return true;
        using var inTime = new CancellationTokenSource(patience, time);
        try
        {
            await ChangeGate.WaitAsync(inTime.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Copies what may have changed since the last effect.</summary>
    public void Refresh(LoginRecord login)
    {
        Path = login.Path;
        ClientSoftware = login.ClientSoftware;
        NatDetected = login.NatDetected;
        User = login.User ?? User;
        Method = login.Method ?? Method;
        MethodBefore = login.ReconnectId is null ? Method : MethodBefore;
        LocalMethod = login.LocalMethod;
        LocalIdentity = login.LocalIdentity?.Text;
        ProfileMatch = login.ProfileMatch;
        InitialContact = login.InitialContact;
        EapIkeIdentity = (login.SecondIdentity ?? login.RemoteIdentity).Text;
    }

    /// <summary>Hands a lease to the session. False when the session is over: the caller still owns the lease. Any thread.</summary>
    public bool TryKeep(AddressLease lease)
    {
        lock (gate)
        {
            if (closed)
                return false;
            leases.Add(lease);
            return true;
        }
    }

    /// <summary>Marks the end; but where a session has taken the place of this login, answers that one: it goes on.</summary>
    public ClientSession? Close()
    {
        lock (gate)
        {
            if (successor is null)
                closed = true;
            return successor;
        }
    }

    /// <summary>The leases, which are no longer the session's. Call after <see cref="Close"/> and after the interface is gone. Any thread.</summary>
    public IReadOnlyList<AddressLease> TakeLeases()
    {
        lock (gate)
        {
            AddressLease[] taken = [.. leases];
            leases.Clear();
            return taken;
        }
    }

    /// <summary>What every RADIUS request of the session says. NAS-Port-Id names the interface that the session has or will have.</summary>
    public NasSessionRecord ToNasRecord(string userName) => new()
    {
        UserName = userName,
        AuditSessionId = Names.AuditSessionId,
        AcctSessionId = Names.AcctSessionId,
        NasPort = (uint)Names.Number,
        NasPortId = InterfaceName,
        RemoteEndpoint = Path.Remote,
        LocalEndpoint = Path.Local,
        NasIdentifier = Binding.NasIdentifier,
        NasAddress = Binding.NasAddress,
        IkeIdentity = IkeIdentity,
        ConnectInfo = ClientSoftware is null ? $"IKEv2 {Binding.Name}" : $"IKEv2 {Binding.Name} {ClientSoftware}",
        IsAnyConnect = IsAnyConnect,
        TunnelGroup = TunnelGroup,
        CertificatePair = CertificatePair,
        Device = Device,
    };

    /// <summary>
    /// The name by which the client is authorized: the identity that EAP authenticated, which the Access-Accept may have changed, else that of the certificate, else the IKE
    /// identity; with the names of the certificate behind it, where one was verified.
    /// </summary>
    public PeerName AuthenticatedName()
    {
        if (Eap is not null && User is { } user)
            return new PeerName(PeerNameKind.Eap, user) { Further = Certificate?.Names ?? [] };
        return Certificate is { } certificate ? CertificateName(certificate) with { Whole = User } : IkeName();
    }

    /// <summary>The name of the certificate that the client goes by, where it must go by one, with all of its names behind it.</summary>
    public static PeerName CertificateName(CertificateIdentity certificate) =>
        (certificate.GoesBy ?? new PeerName(PeerNameKind.Whole, certificate.Subject)) with { Further = certificate.Names };

    /// <summary>What the client calls itself; authenticated only where a key proved it.</summary>
    public PeerName IkeName()
    {
        var type = RemoteIdentity.Type;
        var kind = type == IdType.Fqdn ? PeerNameKind.Fqdn
            : type == IdType.Rfc822Address ? PeerNameKind.Email
            : type == IdType.DerAsn1Dn ? PeerNameKind.DistinguishedName
            : PeerNameKind.Whole;
        return new PeerName(kind, IkeIdentity, kind == PeerNameKind.DistinguishedName ? RemoteIdentity.Value : default);
    }

    /// <summary>The interface commands that AAA gave, source by source in order of application.</summary>
    public IEnumerable<AuthorizedCommands> AuthorizedCommands() =>
        from source in AuthorizationSources
        let commands = PolicyCommands.Of(source.Profile)
        where !commands.IsEmpty
        select new AuthorizedCommands(ToConfigOrigin(source.Origin), commands);

    /// <summary>Its interface stands and is cloned from that template, changed or not.</summary>
    public bool IsCloneOf(TemplateBinding template) => ReferenceEquals(Binding.Template, template) && !Handle.IsNone;

    /// <summary>What a DHCPINFORM of the client is answered with; null where there are no IPv4 subnets to tell of.</summary>
    public DhcpInformation? DhcpInformation()
    {
        if (!Subnets.Any(s => s.BaseAddress.AddressFamily == AddressFamily.InterNetwork))
            return null;
        var dns = Profile.DnsServers.IsEmpty ? Addresses?.DnsServers ?? [] : Profile.DnsServers;
        return new DhcpInformation(Subnets, dns, Profile.DefaultDomain ?? Addresses?.DefaultDomain);
    }

    public IEnumerable<IPAddress> ClientAddresses()
    {
        if (Addresses?.IPv4 is { } four)
            yield return four;
        if (Addresses?.IPv6 is { } six)
            yield return six;
    }
    private static ConfigOrigin ToConfigOrigin(AuthorizationOrigin origin) => origin.Kind switch
    {
        AuthorizationKind.Group => new ConfigOrigin(ConfigSource.AaaGroup, origin.Name),
        AuthorizationKind.ImplicitUser => new ConfigOrigin(ConfigSource.AaaImplicitUser, origin.Name),
        AuthorizationKind.ExplicitUser => new ConfigOrigin(ConfigSource.AaaUser, origin.Name),
        _ => new ConfigOrigin(ConfigSource.ChangeOfAuthorization, origin.Name),
    };
}
