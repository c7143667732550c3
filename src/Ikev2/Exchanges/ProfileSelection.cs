using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Headend.Ikev2.Exchanges;

/// <summary>What the first IKE_AUTH request says about who comes, before anything is proven.</summary>
/// <param name="Remote">IDi.</param>
/// <param name="Local">IDr, where the peer asks for one.</param>
internal sealed record PeerClaim(IkeIdentity Remote, IkeIdentity? Local);

/// <summary>The first profile, in configured order, of which every kind of match that it has holds.</summary>
/// <param name="Profile">Taken.</param>
/// <param name="Why">The lines that matched, in the words of the configuration, for show and log.</param>
internal sealed record ProfileSelection(IkeProfile Profile, string Why)
{
    /// <summary>So many profiles are named in a complaint; a gateway with hundreds shall not write pages.</summary>
    private const int MostNamed = 4;

    /// <summary>False with <paramref name="complaint"/>: claimed and configured side by side, for the operator.</summary>
    public static bool TrySelect(
        IReadOnlyList<IkeProfile> profiles, PeerClaim claim, [NotNullWhen(true)] out ProfileSelection? selection, out string complaint)
    {
        foreach (var profile in profiles)
        {
            if (WhyItMatches(profile, claim) is not { } why)
                continue;
            selection = new ProfileSelection(profile, why);
            complaint = "";
            return true;
        }

        selection = null;
        complaint = Complain(profiles, claim);
        return false;
    }

    private static string? WhyItMatches(IkeProfile profile, PeerClaim claim)
    {
        if (profile.RemoteIdentities.FirstOrDefault(m => m.Matches(claim.Remote)) is not { } remote)
            return null;
        if (profile.LocalIdentities.Count == 0)
            return $"remote-identity {remote.Text}";
        if (claim.Local is not { } asked || profile.LocalIdentities.FirstOrDefault(m => m.Matches(asked)) is not { } local)
            return null;
        return $"remote-identity {remote.Text}, local-identity {local.Text}";
    }

    private static string Complain(IReadOnlyList<IkeProfile> profiles, PeerClaim claim)
    {
        var text = new StringBuilder($"identity {claim.Remote.Type} {claim.Remote.Text}");
        text.Append(claim.Local is { } local ? $", asking for {local.Type} {local.Text}," : "").Append(" matches no profile");
        foreach (var profile in profiles.Take(MostNamed))
        {
            text.Append($"; {profile.Name}: remote-identity {string.Join(", ", profile.RemoteIdentities.Take(MostNamed).Select(m => m.Text))}");
            if (profile.LocalIdentities.Count > 0)
                text.Append($"; local-identity {string.Join(", ", profile.LocalIdentities.Take(MostNamed).Select(m => m.Text))}");
        }

        return text.ToString();
    }
}
