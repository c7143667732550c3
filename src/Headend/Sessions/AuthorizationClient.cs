using System.Text;
using Headend.Aaa.Authentication;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Configuration;

namespace Headend.Sessions;

/// <summary>
/// Makes FlexVPN's authorization requests: of a group, of a user, and of the pre-shared key of a peer. The methods of a list are asked in order; an answer, a refusal too,
/// is the end of it: further methods are for servers that do not answer. Thread-safe.
/// </summary>
internal sealed class AuthorizationClient(RadiusClient? radius, LocalUserStore users, IProfileObserver observer)
{
    /// <summary>User-Password of an authorization request: FlexVPN's default, which RADIUS policies are written for. No secret.</summary>
    private static readonly byte[] DefaultPassword = Encoding.ASCII.GetBytes("cisco");

    /// <summary>Completes at once unless RADIUS is asked.</summary>
    public async ValueTask<AuthorizationAnswer> AskAsync(
        ClientSession session, AuthorizationKind kind, AuthorizationRequest request, PeerName peer, CancellationToken cancellation)
    {
        if (!request.TryName(peer, (session.Eap as AnyConnectConversation)?.Group, out var name, out var refusal))
            return new AuthorizationAnswer.Refused(refusal);
        var origin = new AuthorizationOrigin(kind, name) { List = request.List };
        string? unavailable = null;
        foreach (var method in request.Methods)
        {
            if (method.Group is null)
            {
                if (FindLocal(origin) is { } local)
                    return local;
                refusal = kind == AuthorizationKind.Group ? $"there is no authorization policy {name}" : $"there is no local user and no authorization policy {name}";
                continue;
            }

            switch (await AskRadiusAsync(session, method.Group, origin, request.Password, cancellation).ConfigureAwait(false))
            {
                case AuthorizationAnswer.Unavailable silent:
                    unavailable = unavailable is null ? silent.Reason : $"{unavailable}; {silent.Reason}";
                    break;
                case var answer:
                    return answer;
            }
        }

        // Whoever did not answer may have known it.
        return unavailable is null ? new AuthorizationAnswer.Refused(refusal) : new AuthorizationAnswer.Unavailable(unavailable);
    }

    private AuthorizationAnswer.Found? FindLocal(AuthorizationOrigin origin)
    {
        if (origin.Kind == AuthorizationKind.Group)
            return users.TryFindPolicy(origin.Name, out var policy) ? new AuthorizationAnswer.Found(new AuthorizationSource(origin, policy), null, null, null) : null;
        return users.TryAuthorize(origin.Name, out var profile, out var keys)
            ? new AuthorizationAnswer.Found(new AuthorizationSource(origin, profile), null, null, keys)
            : null;
    }

    private async ValueTask<AuthorizationAnswer> AskRadiusAsync(
        ClientSession session, RadiusServerGroup servers, AuthorizationOrigin origin, SecretOptions? password, CancellationToken cancellation)
    {
        var request = AccessRequestCodec.BuildAuthorization(session.ToNasRecord(origin.Name), origin.Name, password is null ? DefaultPassword : password.Octets);
        switch (await radius!.SendAsync(servers, request, cancellation).ConfigureAwait(false))
        {
            case RadiusOutcome.Accept accept:
                return SessionProfileReader.TryRead(accept.Packet, observer, out var profile, out var error)
                    ? new AuthorizationAnswer.Found(new AuthorizationSource(origin with { Server = accept.Server.Name }, profile), servers, accept, null)
                    : new AuthorizationAnswer.Refused($"the Access-Accept of {accept.Server.Name} for {origin.Name} cannot be used: {error}");
            case RadiusOutcome.Reject reject:
                var message = reject.Packet.TryGet(RadiusAttributeType.ReplyMessage, out var text) && text.TryGetText(out var reply) ? $": {reply}" : "";
                return new AuthorizationAnswer.Refused($"RADIUS server {reject.Server.Name} refused {origin.Name}{message}");
            case RadiusOutcome.Unavailable failed:
                return new AuthorizationAnswer.Unavailable(failed.Explain());
            case RadiusOutcome.Unsendable unsendable:
                return new AuthorizationAnswer.Unsendable(unsendable.Explain());
            case RadiusOutcome.Answer answer:
                return new AuthorizationAnswer.Refused($"RADIUS server {answer.Server.Name} answered {origin.Name} with {answer.Packet.Code}, which is none to an authorization request");
            default:
                return new AuthorizationAnswer.Unavailable("no answer");
        }
    }
}
