using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Aaa.Client;

/// <summary>How a server is reached by RADIUS over TLS (RFC 6614): TLS 1.2 or 1.3 with certificates of both sides.</summary>
/// <param name="ServerName">The name or address that the server's certificate must carry; also its SNI where it is a name.</param>
/// <param name="Authorities">Who may have signed the server's certificate; no other roots count.</param>
/// <param name="Credential">Our certificate, its chain and key.</param>
public sealed record RadSecOptions(string ServerName, X509Certificate2Collection Authorities, SslStreamCertificateContext Credential)
{
    /// <summary>RFC 6614 2.3 (4): "The shared secret to compute (obsolete) MD5 integrity checks and attribute encryption MUST be "radsec"".</summary>
    public const string SharedSecret = "radsec";

    public int Port { get; init; } = 2083;

    /// <summary>For TCP and TLS handshake together.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Pause after a connection failed; doubled each time up to <see cref="MaximumBackoff"/>.</summary>
    public TimeSpan InitialBackoff { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan MaximumBackoff { get; init; } = TimeSpan.FromMinutes(1);
}
