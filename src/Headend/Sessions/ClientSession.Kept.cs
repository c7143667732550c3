using System.Collections.Immutable;
using System.Net;
using Headend.Aaa.Accounting;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Telemetry;

namespace Headend.Sessions;

/// <summary>A session over restarts of the headend: what is kept of it, and how it begins with that.</summary>
internal sealed partial class ClientSession
{
    private static readonly string[] DeviceIds = ["device-uid-global", "device-uid", "device-public-mac"];

    private readonly KeptLogin? restored;

    /// <summary>A session that an earlier process had. It has no IKE SA and no interface yet; its client is silent.</summary>
    /// <param name="kept">What the store has of it.</param>
    /// <param name="profile">That it names.</param>
    /// <param name="home">An id that no login of this process gets.</param>
    /// <param name="upAt">When it came up, before the start of this process.</param>
    public ClientSession(KeptSession kept, IkeProfile profile, SessionHome home, MonotonicTime upAt)
    {
        restored = kept.Login;
        Home = home;
        Names = kept.Names;
        Binding = (ProfileBinding)profile.Tag!;
        RemoteIdentity = new IkeIdentity(new IdType(kept.IdentityType), kept.Identity);
        IkeIdentity = RemoteIdentity.Text;
        EapIkeIdentity = IkeIdentity;
        StartedAt = upAt;
        UpAt = upAt;
        Path = new IkePath(kept.Local, kept.Remote, kept.NonEspMarker);
        AddressAtLogin = kept.AddressAtLogin;
        ProvenSource = kept.AddressAtLogin;
        Template = Binding.Template.Current;
        LocalNetworks = [.. profile.LocalTraffic];
        Trace = LoginTrace.None;
        User = kept.Login.User;
        EapIdentity = kept.Login.EapIdentity;
        Method = kept.Login.Method;
        MethodBefore = Method;
        LocalMethod = kept.Login.LocalMethod;
        LocalIdentity = kept.Login.LocalIdentity;
        ProfileMatch = kept.Login.ProfileMatch;
        KeyEntry = kept.Login.KeyEntry;
        ClientSoftware = kept.Login.ClientSoftware;
        NatDetected = kept.Login.NatDetected;
        AuthorizationSources = kept.Sources;
        Profile = kept.Authorization;
        FilterProfile = kept.Filters;
        Addresses = kept.Addresses is { IPv4: null, IPv6: null } ? null : kept.Addresses;
        FramedPrefix = kept.FramedPrefix;
        DelegatedPrefix = kept.DelegatedPrefix;
        NatAddresses = kept.NatAddresses;
        Subnets = kept.Subnets;
        Encapsulation = kept.Encapsulation;
        InterfaceRequested = true;
        aliases = kept.Aliases.IsDefault ? [] : kept.Aliases;
        Kept.For = kept.KeptFor;
        Kept.Grant = kept.Grant;
        Kept.IsStored = true;
    }

    /// <summary>What the store has of it.</summary>
    public SessionKeeping Kept { get; } = new();

    /// <summary>An earlier process had it.</summary>
    public bool IsRestored => restored is not null;

    /// <summary>Inner traffic of the processes before, as far as it is known.</summary>
    public TrafficCounters Carried { get; set; }

    /// <summary>This headend authenticated the user itself, and no RADIUS server.</summary>
    public bool IsAuthenticatedLocally => Eap?.IsLocal ?? restored?.IsLocal ?? (KeyIsLocal || Certificate is not null);

    /// <summary>
    /// How others find the user: octet for octet where this headend itself authenticated it by EAP, as at that login (of two local users one may be spelled as the other in capitals); else without
    /// regard to case, as <see cref="SimultaneousSessionTable"/> counts: of other names the client may have chosen the spelling.
    /// </summary>
    public bool IsUserNameExact => IsAuthenticatedLocally && RemoteMethod is RemoteMethod.Eap or RemoteMethod.AnyConnectEap;

    /// <summary>Of the certificate that the client proved to be its own; null without one.</summary>
    public string? CertificateSubject => Certificate?.Subject ?? restored?.CertificateSubject;

    /// <summary>By which a machine names itself, proven by nobody: of a client of AnyConnect-EAP alone, which all call themselves the same. Null where it says nothing.</summary>
    public string? DeviceId => DeviceIds.Select(name => Device.FirstOrDefault(pair => pair.Key == name).Value).FirstOrDefault(static value => value is not null);

    /// <summary>All that it holds of addresses and prefixes.</summary>
    public ImmutableArray<IPNetwork> LeasedNetworks
    {
        get
        {
            lock (gate)
                return [.. leases.Select(l => l.Network)];
        }
    }

    private bool IsAnyConnect => Eap is AnyConnectConversation || (Eap is null && restored is { IsAnyConnect: true });

    private string? TunnelGroup => Eap is AnyConnectConversation conversation ? conversation.Group : Eap is null ? restored?.TunnelGroup : null;

    private KeyValuePair<string, string>? CertificatePair => Eap is AnyConnectConversation conversation ? conversation.CertificatePair : Eap is null ? restored?.CertificatePair : null;

    private IReadOnlyList<KeyValuePair<string, string>> Device =>
        Eap is AnyConnectConversation { Device: { } device } ? DeviceAttributes.Of(device) : Eap is null && restored is not null ? restored.Device : [];

    public KeptLogin DescribeLogin() => new()
    {
        User = User,
        EapIdentity = EapIdentity,
        Method = MethodBefore ?? Method,
        RemoteMethod = RemoteMethod,
        LocalMethod = LocalMethod,
        LocalIdentity = LocalIdentity,
        ProfileMatch = ProfileMatch,
        KeyEntry = KeyEntry,
        IsLocal = IsAuthenticatedLocally,
        ClientSoftware = ClientSoftware,
        NatDetected = NatDetected,
        IsAnyConnect = IsAnyConnect,
        TunnelGroup = TunnelGroup,
        CertificatePair = CertificatePair,
        CertificateSubject = CertificateSubject,
        Device = [.. Device],
    };
}
