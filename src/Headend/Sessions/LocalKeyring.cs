using Headend.Configuration;
using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>A keyring of the configuration. Of the peers that fit an identity the narrowest is taken, of equals the first (<see cref="IdentityMatch.Specificity"/>).</summary>
internal sealed class LocalKeyring(KeyringOptions options) : IKeyring
{
    // OrderBy is stable.
    private readonly KeyringPeerOptions[] peers = [.. options.Peers.OrderByDescending(p => p.Identity.Specificity)];

    public ValueTask<KeyringAnswer> FindAsync(ClientSession session, CancellationToken cancellation) => ValueTask.FromResult(Find(session.RemoteIdentity));

    internal KeyringAnswer Find(IkeIdentity identity)
    {
        foreach (var peer in peers)
        {
            if (!peer.Identity.Matches(identity))
                continue;
            var keys = new PreSharedKeys(peer.Local is null ? default : peer.Local.Octets, peer.Remote.Octets);
            return new KeyringAnswer.Found(keys, $"keyring {options.Name}, peer {peer.Name ?? peer.Identity.Text}", User: null, IsLocal: true);
        }

        return new KeyringAnswer.Unknown($"keyring {options.Name} has no peer for it");
    }
}
