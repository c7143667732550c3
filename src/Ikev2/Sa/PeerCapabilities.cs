namespace Headend.Ikev2.Sa;

/// <summary>What the peer told about itself in IKE_SA_INIT; inherited by a rekeyed IKE SA.</summary>
internal sealed record PeerCapabilities
{
    /// <summary>RFC 7383.</summary>
    public bool Fragmentation { get; init; }

    /// <summary>Hash algorithms of RFC 7427 that it verifies; null if it sent no SIGNATURE_HASH_ALGORITHMS.</summary>
    public IReadOnlyList<ushort>? SignatureHashes { get; init; }

    /// <summary>A NAT stands in front of the peer (or it says so, to have its ESP in UDP).</summary>
    public bool BehindNat { get; init; }

    /// <summary>A NAT stands in front of us.</summary>
    public bool WeAreBehindNat { get; init; }

    /// <summary>Windows: rejects CHILD_SA rekeys of the responder behind NAT, and a KE payload that it does not expect.</summary>
    public bool IsWindows { get; init; }

    /// <summary>A client or gateway of Cisco's: answered with vendor ids of its own and, where asked, with Cisco's configuration attributes.</summary>
    public bool IsCisco { get; init; }

    /// <summary>CISCO-ANYCONNECT-EAP.</summary>
    public bool AnyConnectEap { get; init; }

    /// <summary>Payload 132. Only of a client of Cisco's: to others we announce it not, and what one side alone announced is not agreed.</summary>
    public bool CiscoFragmentation { get; init; }

    /// <summary>Recognised vendor ids, for show.</summary>
    public string? Software { get; init; }

    public bool NatDetected => BehindNat || WeAreBehindNat;
}
