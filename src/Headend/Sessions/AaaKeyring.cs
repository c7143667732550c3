using Headend.Aaa.Authentication;
using Headend.Aaa.Authorization;
using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>
/// FlexVPN's `keyring aaa`: the keys of a peer are attributes of its authorization. What the answer says beside them is kept for implicit authorization, which comes only
/// after the peer has proven that it has the key.
/// </summary>
internal sealed class AaaKeyring(AuthorizationClient client, AuthorizationRequest request) : IKeyring
{
    public async ValueTask<KeyringAnswer> FindAsync(ClientSession session, CancellationToken cancellation)
    {
        switch (await client.AskAsync(session, AuthorizationKind.ImplicitUser, request, session.IkeName(), cancellation).ConfigureAwait(false))
        {
            case AuthorizationAnswer.Found found:
                return Read(session, found);
            case AuthorizationAnswer.Refused refused:
                return new KeyringAnswer.Unknown($"list {request.List}: {refused.Reason}");
            case AuthorizationAnswer.Unavailable unavailable:
                return new KeyringAnswer.Unavailable($"list {request.List}: {unavailable.Reason}");
            case AuthorizationAnswer.Unsendable unsendable:
                return new KeyringAnswer.Unsendable($"list {request.List}: {unsendable.Reason}");
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private KeyringAnswer Read(ClientSession session, AuthorizationAnswer.Found found)
    {
        var origin = found.Source.Origin;
        var error = "";
        PreSharedKeyAttributes? received = null;
        if (found.Accept is not null && !PreSharedKeyAttributes.TryRead(found.Accept, out received, out error))
            return new KeyringAnswer.Unknown($"the Access-Accept of {origin.Server} for {origin.Name} cannot be used: {error}");
        using (received)
        {
            if ((received ?? found.LocalKeys) is not { } keys)
                return new KeyringAnswer.Unknown($"list {request.List}: {origin.Server ?? "the configuration"} has no pre-shared key for {origin.Name}");
            session.Authenticated = found.Source;
            session.AuthorizedBy = found.Servers;
            return new KeyringAnswer.Found(
                new PreSharedKeys(keys.Local, keys.Remote), $"aaa list {request.List}, {origin.Server ?? "local"} {origin.Name}", found.Source.Profile.UserName, IsLocal: found.Servers is null);
        }
    }
}
