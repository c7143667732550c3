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
        var cached = session.UserProfile;
        // Class and the names are the authentication's own, whatever authorization uses.
        var user = binding.UserCached
            ? cached
            : SessionProfile.Empty with { UserName = cached.UserName, Classes = cached.Classes, ChargeableUserIdentity = cached.ChargeableUserIdentity };
        if (binding.Group is not { } group)
            return await grants.CompileAsync(session, user, cancellation).ConfigureAwait(false);
        var (found, refusal, unavailable) = await FindGroupAsync(session, group, cancellation).ConfigureAwait(false);
        return found is null
            ? new AuthorizationOutcome(null, refusal, unavailable)
            : await grants.CompileAsync(session, ProfileMerge.Merge(found, user, group.Overrides), cancellation).ConfigureAwait(false);
    }

    private async ValueTask<(SessionProfile? Profile, string? Refusal, bool Unavailable)> FindGroupAsync(
        ClientSession session, GroupPolicyBinding group, CancellationToken cancellation)
    {
        string? refusal = null;
        var unavailable = false;
        foreach (var method in group.Methods)
        {
            if (method.Group is null)
            {
                if (session.Binding.Policies.TryFind(group.Name, out var local))
                    return (local, null, false);
                refusal = $"there is no authorization policy {group.Name}";
                continue;
            }

            var request = AccessRequestCodec.BuildAuthorization(session.ToNasRecord(session.User ?? session.IkeIdentity), group.Name, AuthorizationPassword);
            switch (await radius!.SendAsync(method.Group, request, cancellation).ConfigureAwait(false))
            {
                case RadiusOutcome.Accept accept:
                    session.AuthorizedBy ??= method.Group;
                    return SessionProfileReader.TryRead(accept.Packet, observer, out var profile, out var error)
                        ? (profile, null, false)
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
