using Headend.Aaa.Authorization;
using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>What authorization came to: a grant, or why not.</summary>
internal sealed record AuthorizationOutcome(SessionGrant? Grant, string? Refusal, bool Unavailable)
{
    /// <summary>A request does not fit, as the refusal says.</summary>
    public bool Unsendable { get; init; }

    /// <summary>Who the peer is, where authorization knows better than authentication; else null.</summary>
    public string? User { get; init; }

    public static AuthorizationOutcome Refused(string why) => new(null, why, false);
}

/// <summary>
/// Makes a session's profile as FlexVPN does: what the authentication brought, where it is cached, the group's and the user's authorization, merged in their order. If one
/// of them fails, the login fails: nobody is let in with half of a policy.
/// </summary>
internal sealed class SessionAuthorizer(AuthorizationClient client, SessionGrantCompiler grants)
{
    /// <summary>Completes at once unless RADIUS is asked.</summary>
    public async ValueTask<AuthorizationOutcome> AuthorizeAsync(ClientSession session, CancellationToken cancellation)
    {
        var binding = session.Binding.AuthorizationOf(session.RemoteMethod);
        var peer = session.AuthenticatedName();
        var sources = new List<AuthorizationSource>();
        if (session.Authenticated is { } authenticated)
            sources.Add(binding.UserCached ? authenticated : authenticated with { Profile = IdentityOf(authenticated.Profile) });
        foreach (var (kind, request) in new[] { (AuthorizationKind.Group, binding.Group), (AuthorizationKind.ExplicitUser, binding.User) })
        {
            if (request is null)
                continue;
            var what = kind == AuthorizationKind.Group ? "group authorization" : "user authorization";
            switch (await client.AskAsync(session, kind, request, peer, cancellation).ConfigureAwait(false))
            {
                case AuthorizationAnswer.Found found:
                    sources.Add(found.Source);
                    session.AuthorizedBy ??= found.Servers;
                    break;
                case AuthorizationAnswer.Unavailable unavailable:
                    return new AuthorizationOutcome(null, $"{what}: {unavailable.Reason}", true);
                case AuthorizationAnswer.Unsendable unsendable:
                    return AuthorizationOutcome.Refused($"{what}: {unsendable.Reason}") with { Unsendable = true };
                case AuthorizationAnswer.Refused refused:
                    return AuthorizationOutcome.Refused($"{what}: {refused.Reason}");
            }
        }

        session.AuthorizationSources = ProfileMerge.Order(sources, binding.GroupOverrides);
        return await grants.CompileAsync(session, ProfileMerge.Merge(session.AuthorizationSources), cancellation).ConfigureAwait(false);
    }

    // Class and the names are the authentication's own, whatever authorization uses.
    private static SessionProfile IdentityOf(SessionProfile profile) =>
        SessionProfile.Empty with { UserName = profile.UserName, Classes = profile.Classes, ChargeableUserIdentity = profile.ChargeableUserIdentity };
}
