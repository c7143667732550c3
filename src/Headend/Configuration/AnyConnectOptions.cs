using Headend.Eap.AnyConnect;

namespace Headend.Configuration;

/// <summary>How the headend proves to RADIUS that it has the user's password.</summary>
internal enum PasswordProtocol
{
    /// <summary>Hands it over, hidden by the shared secret (RFC 2865 5.2).</summary>
    Pap,
    Chap,

    /// <summary>Computes the client's side; alone of the three it can change an expired password.</summary>
    MsChapV2,
}

/// <summary>How a profile leads AnyConnect clients.</summary>
/// <param name="Login">Forms, groups, attempts, and what the client is told in the end.</param>
/// <param name="Protocol">Towards RADIUS.</param>
/// <param name="Timeout">Longest time between a request and its answer.</param>
/// <param name="AuthenticationList">Null: that of the profile.</param>
/// <param name="TellServerCertificate">The hash of the headend's certificate is told in the `complete` document.</param>
/// <param name="ProfileFile">The client's profile, whose hash is told; null for none.</param>
internal sealed record AnyConnectProfileOptions(
    AnyConnectOptions Login, PasswordProtocol Protocol, TimeSpan Timeout, string? AuthenticationList, bool TellServerCertificate, string? ProfileFile);

/// <summary>What a configuration attribute of Cisco's is filled with.</summary>
internal enum CiscoAttributeSource
{
    /// <summary>The octets that the configuration gives.</summary>
    Value,
    Banner,
    DefaultDomain,
    SplitDns,

    /// <summary>The IPv4 networks of the route-set, 14 octets each.</summary>
    SplitInclude,
    BackupServers,
    SessionTimeout,
    IdleTimeout,
    Pfs,
    SmartcardRemovalDisconnect,

    /// <summary>The `complete` document of AnyConnect-EAP.</summary>
    CompleteDocument,

    /// <summary>Never answered.</summary>
    None,
}

/// <param name="Number">Configuration attribute type.</param>
/// <param name="Source">What fills it.</param>
/// <param name="Value">Of <see cref="CiscoAttributeSource.Value"/>.</param>
internal sealed record CiscoAttributeOptions(ushort Number, CiscoAttributeSource Source, ReadOnlyMemory<byte> Value);
