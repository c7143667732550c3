using System.Net;

namespace Headend.Ikev2;

/// <summary>Names one outstanding effect; its completion carries the same value. Never reused within a shard.</summary>
public readonly record struct OperationId(ulong Value);

/// <summary>
/// Names one login and the session that comes of it, from the first IKE_AUTH request on; it survives rekeys of the IKE SA. The top octet is the shard.
/// </summary>
public readonly record struct SessionId(ulong Value)
{
    /// <summary>The shard that owns the session.</summary>
    public int Shard => (int)(Value >> 56);

    public override string ToString() => Value.ToString("x16");
}

/// <summary>
/// The two UDP endpoints that an IKE message travels between. <paramref name="NonEspMarker"/> is true on the NAT traversal port (RFC 3948 2.2): whoever owns
/// the socket strips the four zero octets on receipt and adds them on transmission; the core never sees them.
/// </summary>
public readonly record struct IkePath(IPEndPoint Local, IPEndPoint Remote, bool NonEspMarker)
{
    public override string ToString() => $"{Local}-{Remote}";
}
