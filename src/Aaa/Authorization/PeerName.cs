namespace Headend.Aaa.Authorization;

/// <summary>What kind of name a peer goes by.</summary>
public enum PeerNameKind
{
    /// <summary>An address, a key-id: nothing that has parts.</summary>
    Whole,

    /// <summary>ID_FQDN.</summary>
    Fqdn,

    /// <summary>ID_RFC822_ADDR.</summary>
    Email,

    /// <summary>ID_DER_ASN1_DN.</summary>
    DistinguishedName,

    /// <summary>The identity that EAP authenticated.</summary>
    Eap,
}

/// <summary>The name that authorization knows a peer by, before a name mangler.</summary>
/// <param name="Kind">Decides which of a mangler's rules acts.</param>
/// <param name="Text">The whole name.</param>
/// <param name="Encoded">The DER encoding of a distinguished name; empty for other kinds.</param>
public sealed record PeerName(PeerNameKind Kind, string Text, ReadOnlyMemory<byte> Encoded = default)
{
    /// <summary>
    /// Further names that the same certificate proves, the one to be preferred first. Where a mangler has no rule for the kind of the peer's own name, its rule for
    /// the first of these that it has one for acts.
    /// </summary>
    public IReadOnlyList<PeerName> Further { get; init; } = [];

    /// <summary>What the peer is asked for by where no mangler acts; null for <see cref="Text"/>.</summary>
    public string? Whole { get; init; }

    /// <summary>For messages: "the email identity alice@corp.example".</summary>
    public override string ToString() => Kind switch
    {
        PeerNameKind.Fqdn => $"the fqdn identity {Text}",
        PeerNameKind.Email => $"the email identity {Text}",
        PeerNameKind.DistinguishedName => $"the dn identity {Text}",
        PeerNameKind.Eap => $"the EAP identity {Text}",
        _ => $"the identity {Text}",
    };
}
