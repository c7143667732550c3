using Headend.Ikev2;
using Headend.Pki.Verification;

namespace Headend.Configuration;

/// <summary>How clients prove themselves by certificate. All paths are absolute.</summary>
/// <param name="AuthorityFile">PEM of the authorities that clients' certificates must lead to.</param>
/// <param name="RevocationListFiles">PEM or DER.</param>
internal sealed record ClientCertificateOptions(string AuthorityFile, IReadOnlyList<string> RevocationListFiles)
{
    public required RevocationMode Revocation { get; init; }

    /// <summary>Where lists and OCSP answers may be fetched from.</summary>
    public required IReadOnlyList<RevocationHost> FetchHosts { get; init; }

    /// <summary>Certificates without extended key usage are refused.</summary>
    public required bool UsageRequired { get; init; }

    /// <summary>The certificate must bear the client's IKE identity.</summary>
    public bool MatchIdentity { get; init; }

    /// <summary>Name in ikev2.name-manglers, or null.</summary>
    public string? Mangler { get; init; }

    /// <summary>EAP after AUTH by certificate.</summary>
    public SecondAuthentication ThenEap { get; init; }
}

internal enum ExtendedUsageMode
{
    IfPresent,
    Required,
}
