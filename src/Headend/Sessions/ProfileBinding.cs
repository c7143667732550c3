using System.Net;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Configuration;
using Headend.VirtualAccess.Configuration;

namespace Headend.Sessions;

/// <summary>One entry of an AAA method list: a group of RADIUS servers, or the local users and policies (null).</summary>
internal readonly record struct AaaMethod(RadiusServerGroup? Group)
{
    public bool IsLocal => Group is null;
}

/// <summary>A fixed group policy that is merged with the user's authorization.</summary>
/// <param name="Name">Policy name; User-Name of the request where RADIUS is asked.</param>
/// <param name="List">Name of the list of <paramref name="Methods"/>.</param>
/// <param name="Methods">In order; the next is asked when one is unavailable or does not know the policy.</param>
/// <param name="Overrides">The group's values win over the user's.</param>
internal sealed record GroupPolicyBinding(string Name, string List, IReadOnlyList<AaaMethod> Methods, bool Overrides);

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

    /// <summary>Where pre-shared keys are, asked in order; empty where there are none.</summary>
    public IReadOnlyList<IKeyring> Keyrings { get; init; } = [];

    /// <summary>The attributes of the Access-Accept are the user's authorization.</summary>
    public required bool UserCached { get; init; }

    public required GroupPolicyBinding? Group { get; init; }

    public required AccountingBinding? Accounting { get; init; }

    public required VirtualTemplate Template { get; init; }

    /// <summary>Simultaneous sessions of one identity.</summary>
    public UniqueOptions Unique { get; init; } = UniqueOptions.Never;

    /// <summary>Policies of local group authorization, by name.</summary>
    public required LocalProfiles Policies { get; init; }

    public string? NasIdentifier { get; init; }

    /// <summary>NAS-IP(v6)-Address; null says the address that the client came to.</summary>
    public IPAddress? NasAddress { get; init; }
}
