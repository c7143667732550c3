namespace Headend.Ikev2.Crypto;

/// <summary>Whether CREATE_CHILD_SA of a CHILD_SA carries a key exchange.</summary>
public enum PfsPolicy
{
    /// <summary>As the peer likes: with any acceptable group, or without. iOS and macOS rekey both ways.</summary>
    Optional,

    /// <summary>A group is required. Not for IKE_AUTH, which never has a key exchange of its own.</summary>
    Required,

    /// <summary>Groups in proposals are passed over and no key exchange is done; the choice for IKE_AUTH.</summary>
    Disabled,
}
