using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>A place where pre-shared keys are. Thread-safe.</summary>
internal interface IKeyring
{
    /// <summary>Looks for the keys of a peer by what it claims to be; nothing of it is proven. Completes at once unless somebody else is asked.</summary>
    ValueTask<KeyringAnswer> FindAsync(ClientSession session, CancellationToken cancellation);
}

/// <summary>What a keyring says of a peer.</summary>
internal abstract record KeyringAnswer
{
    /// <summary>The peer is known.</summary>
    /// <param name="Keys">The asker disposes them.</param>
    /// <param name="Entry">Which entry of which keyring, for show and log.</param>
    /// <param name="User">Who the peer is once the key has proven it; null = its IKE identity.</param>
    /// <param name="IsLocal">The key is of this headend's own configuration.</param>
    public sealed record Found(PreSharedKeys Keys, string Entry, string? User, bool IsLocal) : KeyringAnswer;

    /// <summary>There is no key; the next keyring may have one.</summary>
    /// <param name="Reason">For the log.</param>
    public sealed record Unknown(string Reason) : KeyringAnswer;

    /// <summary>Whoever knows did not answer.</summary>
    /// <param name="Reason">For the log.</param>
    public sealed record Unavailable(string Reason) : KeyringAnswer;

    /// <summary>Whoever knows cannot be asked, since the request does not fit; the next keyring is not asked instead.</summary>
    /// <param name="Reason">For the log.</param>
    public sealed record Unsendable(string Reason) : KeyringAnswer;
}
