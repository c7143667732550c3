using System.Security.Cryptography;
using Headend.Eap.Tls;

namespace Headend.Eap;

/// <summary>How a profile runs EAP against its local users.</summary>
public sealed record EapServerOptions
{
    public required ILocalCredentials Credentials { get; init; }

    /// <summary>Ask the client for its EAP identity first; otherwise the IKE identity stands in for it.</summary>
    public bool QueryIdentity { get; init; } = true;

    /// <summary>Text of the IDi payload; used when the identity is not queried.</summary>
    public string IkeIdentity { get; init; } = "";

    /// <summary>Name in the MSCHAPv2 challenge; clients show it at most. Up to 253 octets of UTF-8.</summary>
    public string ServerName { get; init; } = "headend";

    /// <summary>Offered in this order; a Nak chooses among the rest.</summary>
    public IReadOnlyList<EapType> Methods { get; init; } = [EapType.MsChapV2];

    /// <summary>Accept methods that make no MSK.</summary>
    public bool AllowMethodsWithoutKey { get; init; }

    /// <summary>What EAP-TLS runs with; needed where <see cref="Methods"/> holds it.</summary>
    public TlsServerContext? Tls { get; init; }

    /// <summary>The time of the login, by which EAP-TLS judges certificates.</summary>
    public DateTimeOffset Now { get; init; }

    public EapRandom Random { get; init; } = RandomNumberGenerator.Fill;
}
