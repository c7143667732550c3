using Headend.Eap;
using Headend.Eap.Tls;

namespace Headend.Configuration;

/// <summary>How a profile runs EAP for the method <c>local</c>.</summary>
/// <param name="Methods">Offered in this order.</param>
/// <param name="Tls">Set exactly when <paramref name="Methods"/> holds EAP-TLS.</param>
internal sealed record LocalEapOptions(IReadOnlyList<EapType> Methods, LocalEapTlsOptions? Tls)
{
    public static LocalEapOptions Default { get; } = new([EapType.MsChapV2], null);
}

/// <summary>All paths are absolute.</summary>
/// <param name="CertificateFile">Null: the profile's own certificate and key.</param>
/// <param name="KeyFile">Set exactly when <paramref name="CertificateFile"/> is.</param>
/// <param name="AuthorityFile">PEM of the authorities that users' certificates must lead to.</param>
/// <param name="RevocationListFiles">PEM or DER.</param>
internal sealed record LocalEapTlsOptions(string? CertificateFile, string? KeyFile, string AuthorityFile, IReadOnlyList<string> RevocationListFiles)
{
    public required TlsVersion MinimumVersion { get; init; }

    /// <summary>The first of these names that a certificate holds is the identity.</summary>
    public required IReadOnlyList<CertificateNameKind> Identity { get; init; }

    public required bool MatchEapIdentity { get; init; }
}

/// <summary>When repeated wrong passwords close the door.</summary>
/// <param name="Failures">Of one user within <paramref name="Window"/>; 0 never locks users out.</param>
/// <param name="SourceFailures">Of one address (IPv6: one /64); 0 never locks sources out.</param>
/// <param name="Window">From the first failure that counts.</param>
/// <param name="Duration">How long the door stays closed.</param>
internal sealed record LockoutOptions(int Failures, int SourceFailures, TimeSpan Window, TimeSpan Duration);
