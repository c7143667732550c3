using System.Net;

namespace Headend.Aaa.Authentication;

/// <summary>
/// What identifies a session towards RADIUS: the same values in every Access-Request and Accounting-Request of its life.
/// </summary>
public sealed record NasSessionRecord
{
    /// <summary>User-Name: the EAP identity, or the IKE identity where there is none.</summary>
    public required string UserName { get; init; }

    /// <summary>Cisco audit-session-id: unique, stable across reconnect, short.</summary>
    public required string AuditSessionId { get; init; }

    public required string AcctSessionId { get; init; }

    public string? AcctMultiSessionId { get; init; }

    /// <summary>NAS-Port: constant for the session's life.</summary>
    public required uint NasPort { get; init; }

    /// <summary>NAS-Port-Id: the virtual-access interface's name once there is one.</summary>
    public string? NasPortId { get; init; }

    /// <summary>The client's outer address: Calling-Station-Id, Tunnel-Client-Endpoint.</summary>
    public required IPEndPoint RemoteEndpoint { get; init; }

    /// <summary>Our outer address: Called-Station-Id, and NAS-IP(v6)-Address unless <see cref="NasAddress"/> is set.</summary>
    public required IPEndPoint LocalEndpoint { get; init; }

    public IPAddress? NasAddress { get; init; }

    public string? NasIdentifier { get; init; }

    /// <summary>Cisco isakmp-phase1-id: the client's IKE identity as text.</summary>
    public string? IkeIdentity { get; init; }

    /// <summary>Connect-Info: how the client connects, e.g. "IKEv2 remote-workers".</summary>
    public string? ConnectInfo { get; init; }

    /// <summary>What the client says of its machine, as `mdm-tlv` pairs: name and value, in order. Nothing of it is proven.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Device { get; init; } = [];

    /// <summary>Name and value of the Cisco pair that tells whose certificate the client has proven to be its own; null for none.</summary>
    public KeyValuePair<string, string>? CertificatePair { get; init; }

    /// <summary>The group that the user of an AnyConnect client chose: Tunnel-Group-Name of Cisco ASA; null where there is none to choose.</summary>
    public string? TunnelGroup { get; init; }

    /// <summary>The client is AnyConnect over IKEv2: Client-Type 6 of Cisco ASA.</summary>
    public bool IsAnyConnect { get; init; }

    /// <summary>The address without port, and IPv4 as IPv4: RADIUS servers compare these strings.</summary>
    internal static string Station(IPEndPoint endpoint)
        => (endpoint.Address.IsIPv4MappedToIPv6 ? endpoint.Address.MapToIPv4() : endpoint.Address).ToString();
}
