namespace Headend.Admin;

/// <summary>A certificate of <c>headend pki show</c>.</summary>
internal sealed record CertificateRecord
{
    public required string File { get; init; }

    /// <summary>Distinguished name.</summary>
    public required string Subject { get; init; }

    /// <summary>Distinguished name.</summary>
    public required string Issuer { get; init; }

    /// <summary>Hexadecimal.</summary>
    public required string SerialNumber { get; init; }

    /// <summary>UTC.</summary>
    public required DateTimeOffset NotBefore { get; init; }

    /// <summary>UTC.</summary>
    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>Each with its kind before it: <c>dns</c>, <c>email</c>, <c>upn</c> or <c>address</c>.</summary>
    public required IReadOnlyList<string> SubjectAlternativeNames { get; init; }

    /// <summary>Names of those that IKE knows, object identifiers of others.</summary>
    public required IReadOnlyList<string> ExtendedKeyUsage { get; init; }

    /// <summary>Whether it may issue certificates (basicConstraints).</summary>
    public required bool IsAuthority { get; init; }

    /// <summary>CAs that may stand below it; null: not limited, or no CA.</summary>
    public int? PathLength { get; init; }

    /// <summary>Algorithm and bits.</summary>
    public required string Key { get; init; }

    /// <summary>Of the whole certificate, hexadecimal with colons.</summary>
    public required string Sha256Fingerprint { get; init; }
}
