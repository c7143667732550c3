using System.Net;
using Headend.Aaa.Client;
using Headend.Configuration;
using Headend.Pki.Verification;
using Headend.VirtualAccess.DataPlane;

namespace Headend.Sessions;

/// <summary>One entry of an AAA method list: a group of RADIUS servers, or the local users and policies (null).</summary>
internal readonly record struct AaaMethod(RadiusServerGroup? Group)
{
    public bool IsLocal => Group is null;
}

/// <param name="List">Name of the accounting list.</param>
/// <param name="InterimInterval">Where the Access-Accept names none; null sends none.</param>
internal sealed record AccountingBinding(string List, TimeSpan? InterimInterval);

/// <summary>What an IKEv2 profile means outside of IKE, resolved once: the tag of the core's profile.</summary>
internal sealed record ProfileBinding
{
    public required string Name { get; init; }

    public required EapOptions Eap { get; init; }

    public LocalEapBinding LocalEap { get; init; } = LocalEapBinding.Default;

    /// <summary>Who decides logins by EAP; empty where there are none.</summary>
    public required IReadOnlyList<AaaMethod> Authentication { get; init; }

    /// <summary>Name of the list of <see cref="Authentication"/>.</summary>
    public string? AuthenticationList { get; init; }

    /// <summary>Null: no AnyConnect-EAP.</summary>
    public AnyConnectBinding? AnyConnect { get; init; }

    /// <summary>What Cisco's configuration attributes are answered with.</summary>
    public IReadOnlyList<CiscoAttributeOptions> CiscoAttributes { get; init; } = [];

    /// <summary>How clients' certificates are judged; null where clients may not use them.</summary>
    public ClientCertificateBinding? Certificates { get; init; }

    /// <summary>Where pre-shared keys are, asked in order; empty where there are none.</summary>
    public IReadOnlyList<IKeyring> Keyrings { get; init; } = [];

    /// <summary>By how the client proves itself; <see cref="AuthorizationBinding.Implicit"/> where nothing stands.</summary>
    public IReadOnlyDictionary<RemoteMethod, AuthorizationBinding> Authorization { get; init; } = new Dictionary<RemoteMethod, AuthorizationBinding>();

    /// <summary>By how the client proves itself; where nothing stands there is none.</summary>
    public IReadOnlyDictionary<RemoteMethod, AccountingBinding> Accounting { get; init; } = new Dictionary<RemoteMethod, AccountingBinding>();

    public required TemplateBinding Template { get; init; }

    /// <summary>Interface commands at fault are left out instead of refusing the login.</summary>
    public bool IgnoresInterfaceErrors { get; init; }

    /// <summary>A login takes over the session that the same identity left behind.</summary>
    public bool ResumesClients { get; init; }

    /// <summary>DF bit of outer IPv4 packets.</summary>
    public DfBit DfBit { get; init; }

    /// <summary>Simultaneous sessions of one identity.</summary>
    public UniqueOptions Unique { get; init; } = UniqueOptions.Never;

    public string? NasIdentifier { get; init; }

    /// <summary>NAS-IP(v6)-Address; null says the address that the client came to.</summary>
    public IPAddress? NasAddress { get; init; }

    /// <summary>Whether a client that leaves EAP to the headend gets AnyConnect-EAP: beside other EAP only one that announced it.</summary>
    public bool UsesAnyConnect(bool isOffered) => AnyConnect is not null && (isOffered || Authentication.Count == 0);

    public AuthorizationBinding AuthorizationOf(RemoteMethod method) => Authorization.GetValueOrDefault(method, AuthorizationBinding.Implicit);
}
