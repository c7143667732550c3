using Headend.Aaa.Authorization;
using Headend.Configuration;

namespace Headend.Sessions;

/// <summary>What AAA is asked for, and whom.</summary>
/// <param name="List">Name of the list of <paramref name="Methods"/>.</param>
/// <param name="Methods">In order; the next is asked when one is unavailable or, being local, does not know the name.</param>
/// <param name="Name">A fixed name, or null.</param>
/// <param name="Mangler">Makes the name of the client's, or null; without both the client's name is taken whole.</param>
/// <param name="Password">User-Password of the request; null for the default.</param>
internal sealed record AuthorizationRequest(string List, IReadOnlyList<AaaMethod> Methods, string? Name, NameMangler? Mangler = null, SecretOptions? Password = null)
{
    /// <summary>The name is the group that the user chose.</summary>
    public bool OfChosenGroup { get; init; }

    /// <summary>The name to ask for. False, with the reason, where the client's name gives none.</summary>
    /// <param name="peer">Who the client is.</param>
    /// <param name="group">Which group its user chose; null or empty where there was no choice.</param>
    /// <param name="name">The name.</param>
    /// <param name="refusal">Why there is none.</param>
    public bool TryName(PeerName peer, string? group, out string name, out string refusal)
    {
        if (OfChosenGroup)
        {
            name = group ?? "";
            refusal = name.Length == 0 ? $"{peer} has chosen no group" : "";
            return refusal.Length == 0;
        }

        name = Name ?? peer.Whole ?? peer.Text;
        refusal = "";
        if (Mangler is not null)
        {
            if (!Mangler.TryMangle(peer, out var mangled, out var why))
                refusal = why;
            name = mangled ?? "";
        }
        else if (!NameMangler.IsName(name))
        {
            refusal = $"{peer} is no user name";
        }

        return refusal.Length == 0;
    }
}

/// <summary>The authorization of clients that prove themselves in one way.</summary>
/// <param name="UserCached">What the authentication brought is the user's authorization (implicit).</param>
/// <param name="User">The user's own request; null makes none.</param>
/// <param name="Group">The group's; null makes none.</param>
/// <param name="GroupOverrides">The group's values win over the user's.</param>
internal sealed record AuthorizationBinding(bool UserCached, AuthorizationRequest? User = null, AuthorizationRequest? Group = null, bool GroupOverrides = false)
{
    public static AuthorizationBinding Implicit { get; } = new(UserCached: true);
}
