using System.Net;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Configuration;

internal sealed record RadiusOptions(
    IReadOnlyList<RadiusServerOptions> Servers, IReadOnlyList<RadiusGroupOptions> Groups, string? NasIdentifier,
    DynamicAuthorOptions? DynamicAuthor)
{
    /// <summary>NAS-IP(v6)-Address; null: what requests to the first server come from.</summary>
    public IPAddress? NasAddress { get; init; }

    /// <summary>The built-in dictionary and those of the configuration.</summary>
    public RadiusDictionary Dictionary { get; init; } = RadiusDictionary.Core;
}

/// <param name="Name">Name by which groups refer to the server.</param>
/// <param name="Address">Address of the server.</param>
/// <param name="AuthPort">UDP port of Access-Request.</param>
/// <param name="AcctPort">UDP port of Accounting-Request.</param>
/// <param name="Secret">Shared secret of RFC 2865 section 3; over TLS that of RFC 6614.</param>
/// <param name="Timeout">Time to the next transmission of the same request.</param>
/// <param name="Retransmit">Transmissions after the first one.</param>
internal sealed record RadiusServerOptions(
    string Name, IPAddress Address, int AuthPort, int AcctPort, SecretOptions Secret, TimeSpan Timeout, int Retransmit)
{
    public TimeSpan? MaximumTimeout { get; init; }

    /// <summary>Timers of the phases; null: the server's.</summary>
    public RadiusTimers? Login { get; init; }

    public RadiusTimers? Authorization { get; init; }

    public RadiusTimers? Accounting { get; init; }

    public TimeSpan? MfaWait { get; init; }

    public required MessageAuthenticatorRule RequireMessageAuthenticator { get; init; }

    public required StatusServerRule StatusServer { get; init; }

    public required TimeSpan StatusInterval { get; init; }

    /// <summary>The server's own, else that of the first group that has one.</summary>
    public IPAddress? SourceAddress { get; init; }

    public string? SourceInterface { get; init; }

    /// <summary>RADIUS over TLS, or null for UDP.</summary>
    public RadiusTlsOptions? Tls { get; init; }
}

/// <param name="Port">TCP port.</param>
/// <param name="AuthoritiesFile">Absolute path of PEM certificates that may have signed the server's.</param>
/// <param name="CertificateFile">Absolute path of our certificate and its chain.</param>
/// <param name="KeyFile">Absolute path of its key.</param>
/// <param name="ServerName">Name or address that the server's certificate must carry.</param>
internal sealed record RadiusTlsOptions(int Port, string AuthoritiesFile, string CertificateFile, string KeyFile, string ServerName);

/// <param name="Name">Name by which method lists refer to the group.</param>
/// <param name="Servers">Names of servers, in order of preference.</param>
/// <param name="DeadTime">How long a server that did not answer is passed over.</param>
/// <param name="LoadBalance">Spread logins over the servers instead of preferring the first.</param>
internal sealed record RadiusGroupOptions(string Name, IReadOnlyList<string> Servers, TimeSpan DeadTime, bool LoadBalance);
