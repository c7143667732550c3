namespace Headend.Ikev2.Wire;

/// <summary>Certificate encoding: RFC 7296 3.6, RFC 7670, RFC 4806. Unknown values survive.</summary>
public readonly record struct CertificateEncoding(byte Value)
{
    public static CertificateEncoding Pkcs7 => new(1);
    public static CertificateEncoding X509Signature => new(4);
    public static CertificateEncoding Crl => new(7);
    public static CertificateEncoding HashAndUrl => new(12);
    public static CertificateEncoding HashAndUrlBundle => new(13);
    public static CertificateEncoding OcspContent => new(14);
    public static CertificateEncoding RawPublicKey => new(15);

    public override string ToString() => Value switch
    {
        1 => "PKCS #7 wrapped X.509 certificate (1)",
        4 => "X.509 Certificate - Signature (4)",
        7 => "Certificate Revocation List (CRL) (7)",
        12 => "Hash and URL of X.509 certificate (12)",
        13 => "Hash and URL of X.509 bundle (13)",
        14 => "OCSP Content (14)",
        15 => "Raw Public Key (15)",
        _ => $"certificate encoding {Value}",
    };
}
