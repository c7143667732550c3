namespace Headend.Eap.Tls;

/// <summary>What the local EAP-TLS server shows and whom it lets in. All certificates and lists are DER.</summary>
public sealed record TlsServerOptions
{
    /// <summary>The server's certificate.</summary>
    public required ReadOnlyMemory<byte> Certificate { get; init; }

    /// <summary>Intermediates to send behind it, in order.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Chain { get; init; } = [];

    /// <summary>PKCS#8 of the certificate's key, RSA or EC. The caller zeroes it.</summary>
    public required ReadOnlyMemory<byte> PrivateKey { get; init; }

    /// <summary>The authorities that clients' certificates must lead to; nothing else is trusted. Each must be a CA certificate.</summary>
    public required IReadOnlyList<ReadOnlyMemory<byte>> ClientAuthorities { get; init; }

    /// <summary>
    /// Certificate revocation lists. Where there is one, the client's certificate needs a current list of its issuer, and each intermediate one of its own
    /// issuer when all authorities are roots. Empty: revocation is not looked at.
    /// </summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> RevocationLists { get; init; } = [];

    /// <summary>TLS 1.2 or TLS 1.3; 1.3 is the highest in any case.</summary>
    public TlsVersion MinimumVersion { get; init; } = TlsVersion.Tls12;

    /// <summary>The first of these that the certificate holds is the authenticated identity.</summary>
    public IReadOnlyList<CertificateNameKind> IdentityNames { get; init; } =
        [CertificateNameKind.Upn, CertificateNameKind.Email, CertificateNameKind.Dns, CertificateNameKind.CommonName];

    /// <summary>The EAP identity must be a name of the certificate (<see cref="CertificateNames.Holds"/>).</summary>
    public bool MatchEapIdentity { get; init; } = true;

    /// <summary>Octets of TLS data in one EAP packet, 64 to 16384.</summary>
    public int FragmentLength { get; init; } = 1024;
}
