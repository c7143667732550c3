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
    AnyConnectOptions Login, PasswordProtocol Protocol, TimeSpan Timeout, string? AuthenticationList, bool TellServerCertificate, string? ProfileFile)
{
    /// <summary>Null: no certificate is asked for. Given exactly where <see cref="AnyConnectOptions.CertificateRequest"/> is set.</summary>
    public AnyConnectCertificateOptions? Certificate { get; init; }
}

/// <summary>The certificate that clients show before the user's credentials.</summary>
/// <param name="Trust">Whose it must be, and what makes a name of it.</param>
/// <param name="UserName">What that name is to the user's.</param>
/// <param name="RadiusPair">Name of the Cisco pair in which RADIUS is told the name; null tells nothing.</param>
internal sealed record AnyConnectCertificateOptions(ClientCertificateOptions Trust, CertificateUserName UserName, string? RadiusPair);

/// <summary>What the name of a client's certificate is to the user name that is typed.</summary>
internal enum CertificateUserName
{
    /// <summary>Nothing: a certificate of a machine.</summary>
    Typed,

    /// <summary>It stands in the form beforehand, and may be changed.</summary>
    Prefilled,

    /// <summary>It stands in the form beforehand, and another one is refused.</summary>
    Required,
}

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
    IncludeLocalLan,
    ConfigurationUrl,
    ConfigurationVersion,

    /// <summary>The `complete` document of AnyConnect-EAP.</summary>
    CompleteDocument,

    /// <summary>Never answered.</summary>
    None,
}

/// <param name="Number">Configuration attribute type.</param>
/// <param name="Source">What fills it.</param>
/// <param name="Value">Of <see cref="CiscoAttributeSource.Value"/>.</param>
internal sealed record CiscoAttributeOptions(ushort Number, CiscoAttributeSource Source, ReadOnlyMemory<byte> Value);
