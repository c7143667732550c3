namespace Headend.Eap;

/// <summary>Bounds on what an unauthenticated peer may make us do.</summary>
public static class EapLimits
{
    /// <summary>Octets of an identity: the largest RADIUS User-Name (RFC 2865 5.1).</summary>
    public const int MaxIdentityLength = 253;

    /// <summary>Octets of one relayed packet: leaves room for the other attributes in RADIUS's 4096 (RFC 2865 3), unless several are as long as they may be.</summary>
    public const int MaxRelayedLength = 3072;

    /// <summary>Round trips with the client in one login; hostapd's bound too, far above EAP-TLS with a long chain.</summary>
    public const int MaxRounds = 100;

    /// <summary>EAP-TLS handshakes under way at once for one profile; each holds some 100 KiB in libssl.</summary>
    public const int MaxTlsHandshakes = 4096;

    /// <summary>Packets in one login that answer no question before it is given up.</summary>
    public const int MaxDiscarded = 8;
}
