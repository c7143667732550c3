using System.Text;
using Headend.Aaa.Authentication;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>What authorization came to: a grant, or why not.</summary>
internal sealed record AuthorizationOutcome(SessionGrant? Grant, string? Refusal, bool Unavailable)
{
    public static AuthorizationOutcome Refused(string why) => new(null, why, false);
}

/// <summary>
/// Makes a session's profile: the user's own attributes (from the Access-Accept, or the local user's policy) merged with the group policy that the IKEv2
/// profile names.
/// </summary>
internal sealed class SessionAuthorizer(RadiusClient? radius, SessionGrantCompiler grants, IProfileObserver observer)
{
    /// <summary>User-Password of an authorization request: FlexVPN's default, which RADIUS policies are written for. No secret.</summary>
    private static readonly byte[] AuthorizationPassword = Encoding.ASCII.GetBytes("cisco");

    /// <summary>Completes at once unless a group policy is asked of RADIUS.</summary>
    public async ValueTask<AuthorizationOutcome> AuthorizeAsync(ClientSession session, CancellationToken cancellation)
    {
        var binding = session.Binding;
        var sources = new List<AuthorizationSource>();
        if (session.Authenticated is { } authenticated)
            sources.Add(binding.UserCached ? authenticated : authenticated with { Profile = IdentityOf(authenticated.Profile) });
        if (binding.Group is { } group)
        {
            var (found, refusal, unavailable) = await FindGroupAsync(session, group, cancellation).ConfigureAwait(false);
            if (found is null)
                return new AuthorizationOutcome(null, refusal, unavailable);
            sources.Add(found);
        }

        session.AuthorizationSources = ProfileMerge.Order(sources, binding.Group is { Overrides: true });
        return await grants.CompileAsync(session, ProfileMerge.Merge(session.AuthorizationSources), cancellation).ConfigureAwait(false);
    }

    // Class and the names are the authentication's own, whatever authorization uses.
    private static SessionProfile IdentityOf(SessionProfile profile) =>
        SessionProfile.Empty with { UserName = profile.UserName, Classes = profile.Classes, ChargeableUserIdentity = profile.ChargeableUserIdentity };

    private async ValueTask<(AuthorizationSource? Found, string? Refusal, bool Unavailable)> FindGroupAsync(
        ClientSession session, GroupPolicyBinding group, CancellationToken cancellation)
    {
        var origin = new AuthorizationOrigin(AuthorizationKind.Group, group.Name) { List = group.List };
        string? refusal = null;
        var unavailable = false;
        foreach (var method in group.Methods)
        {
            if (method.Group is null)
            {
                if (session.Binding.Policies.TryFind(group.Name, out var local))
                    return (new AuthorizationSource(origin, local), null, false);
                refusal = $"there is no authorization policy {group.Name}";
                continue;
            }

            var request = AccessRequestCodec.BuildAuthorization(session.ToNasRecord(session.User ?? session.IkeIdentity), group.Name, AuthorizationPassword);
            switch (await radius!.SendAsync(method.Group, request, cancellation).ConfigureAwait(false))
            {
                case RadiusOutcome.Accept accept:
                    session.AuthorizedBy ??= method.Group;
                    return SessionProfileReader.TryRead(accept.Packet, observer, out var profile, out var error)
                        ? (new AuthorizationSource(origin with { Server = accept.Server.Name }, profile), null, false)
                        : (null, $"the Access-Accept of {accept.Server.Name} for {group.Name} cannot be used: {error}", false);
                case RadiusOutcome.Unavailable failed:
                    refusal = failed.Explain();
                    unavailable = true;
                    break;
                default:
                    // A refusal is an answer: later methods are for servers that do not answer.
                    return (null, $"RADIUS refused the policy {group.Name}", false);
            }
        }

        return (null, refusal, unavailable);
    }
}
