using System.Net;
using System.Security.Cryptography.X509Certificates;
using Headend.Aaa.Authorization;
using Headend.Eap.Tls;
using Headend.Ikev2;
using Headend.Ikev2.Wire;

namespace Headend.Pki.Verification;

/// <summary>Whom a certificate is of: its names, and whether an IKE identity is among them (RFC 4945 3.1).</summary>
internal sealed class CertificateIdentity
{
    private const int EmptyNameOctets = 2;

    private readonly byte[] subject;
    private readonly CertificateNames names;
    private readonly IReadOnlyList<IPAddress> addresses;

    private CertificateIdentity(X509Certificate2 certificate, CertificateNames names)
    {
        this.names = names;
        subject = certificate.SubjectName.RawData;
        addresses = SubjectAlternativeNames.Of(certificate).Addresses;
        Subject = certificate.Subject;
        SerialNumber = certificate.SerialNumber;
        Names = [.. ToNames()];
    }

    /// <summary>The subject's distinguished name as text.</summary>
    public string Subject { get; }

    public string SerialNumber { get; }

    /// <summary>What name manglers may take: the subject, then e-mail addresses and user principal names, then DNS names.</summary>
    public IReadOnlyList<PeerName> Names { get; }

    /// <summary>False with a reason when the names are malformed or too many.</summary>
    /// <param name="certificate">Whose names.</param>
    /// <param name="isConstrained"><see cref="CertificatePath.HasNameConstraints"/>: user principal names do not count.</param>
    /// <param name="identity">Given exactly when true.</param>
    /// <param name="reason">Empty when true.</param>
    /// <exception cref="System.Security.Cryptography.CryptographicException">An extension is malformed.</exception>
    public static bool TryRead(X509Certificate2 certificate, bool isConstrained, out CertificateIdentity? identity, out string reason)
    {
        identity = null;
        if (!CertificateNames.TryRead(certificate, isConstrained, out var names, out reason))
            return false;
        identity = new CertificateIdentity(certificate, names);
        return true;
    }

    /// <summary>
    /// Whether the certificate bears the identity in the field of its type: an address as iPAddress, a domain name as dNSName, an e-mail address as rfc822Name or
    /// user principal name, a distinguished name as subject. Wildcards are not expanded, and a key-id is in no certificate.
    /// </summary>
    public bool Bears(IkeIdentity claimed)
    {
        var type = claimed.Type;
        if (type == IdType.Fqdn)
            return Holds(claimed, CertificateNameKind.Dns);
        if (type == IdType.Rfc822Address)
            return Holds(claimed, CertificateNameKind.Email) || Holds(claimed, CertificateNameKind.Upn);
        if (type == IdType.IPv4Address || type == IdType.IPv6Address)
            return addresses.Any(a => claimed.Value.Span.SequenceEqual(a.GetAddressBytes()));
        return type == IdType.DerAsn1Dn && claimed.IsSubject(subject);
    }

    private bool Holds(IkeIdentity claimed, CertificateNameKind kind)
    {
        // Text would show other octets in hexadecimal, which is a name too.
        foreach (var octet in claimed.Value.Span)
        {
            if (octet is <= 0x20 or > 0x7e)
                return false;
        }

        return names.All.Any(n => n.Kind == kind && string.Equals(n.Name, claimed.Text, StringComparison.OrdinalIgnoreCase));
    }

    private IEnumerable<PeerName> ToNames()
    {
        if (subject.Length > EmptyNameOctets)
            yield return new PeerName(PeerNameKind.DistinguishedName, Subject, subject);
        foreach (var (kind, name) in names.All.OrderBy(n => n.Kind))
        {
            if (kind is CertificateNameKind.Email or CertificateNameKind.Upn)
                yield return new PeerName(PeerNameKind.Email, name);
            else if (kind == CertificateNameKind.Dns)
                yield return new PeerName(PeerNameKind.Fqdn, name);
        }
    }
}
