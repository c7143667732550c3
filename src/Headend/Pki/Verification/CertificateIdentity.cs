using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Headend.Aaa.Authorization;
using Headend.Eap.Tls;
using Headend.Ikev2;
using Headend.Ikev2.Wire;

namespace Headend.Pki.Verification;

/// <summary>Whom a certificate is of: its names, and which of them an IKE identity is (RFC 4945 3.1).</summary>
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

    /// <summary>The name of it that the client goes by, <see cref="NameOf"/> of its IKE identity; null where that need not be one. Set before anybody else sees this.</summary>
    public PeerName? GoesBy { get; set; }

    /// <summary>
    /// The name that the identity is, from the field of its type: an address from iPAddress, a domain name from dNSName, an e-mail address from rfc822Name or user principal
    /// name, a distinguished name from the subject. Wildcards are not expanded, and a key-id is in no certificate. Null where the certificate does not bear it.
    /// </summary>
    /// <remarks>
    /// Names are compared without case, and white space of distinguished names is folded (RFC 5280 7.1). The answer is as the certificate writes it: who the user is must not depend on how the client spells it.
    /// </remarks>
    public PeerName? NameOf(IkeIdentity claimed)
    {
        var type = claimed.Type;
        if (type == IdType.Fqdn)
            return Find(claimed, CertificateNameKind.Dns) is { } domain ? new PeerName(PeerNameKind.Fqdn, domain) : null;
        if (type == IdType.Rfc822Address)
            return (Find(claimed, CertificateNameKind.Email) ?? Find(claimed, CertificateNameKind.Upn)) is { } email ? new PeerName(PeerNameKind.Email, email) : null;
        if (type == IdType.IPv4Address || type == IdType.IPv6Address)
        {
            var family = type == IdType.IPv4Address ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
            return addresses.FirstOrDefault(a => a.AddressFamily == family && claimed.Value.Span.SequenceEqual(a.GetAddressBytes())) is { } address
                ? new PeerName(PeerNameKind.Whole, address.ToString())
                : null;
        }

        return type == IdType.DerAsn1Dn && claimed.IsSubject(subject) ? new PeerName(PeerNameKind.DistinguishedName, Subject, subject) : null;
    }

    private string? Find(IkeIdentity claimed, CertificateNameKind kind)
    {
        // Text would show other octets in hexadecimal, which is a name too.
        foreach (var octet in claimed.Value.Span)
        {
            if (octet is <= 0x20 or > 0x7e)
                return null;
        }

        return names.All.FirstOrDefault(n => n.Kind == kind && string.Equals(n.Name, claimed.Text, StringComparison.OrdinalIgnoreCase)).Name;
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
