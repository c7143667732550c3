using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Eap.Tls;

/// <summary>Kinds of names in a certificate that can be a user's identity.</summary>
public enum CertificateNameKind
{
    /// <summary>rfc822Name of the subjectAltName.</summary>
    Email,

    /// <summary>otherName 1.3.6.1.4.1.311.20.2.3 of the subjectAltName: Windows' user principal name.</summary>
    Upn,

    /// <summary>dNSName of the subjectAltName.</summary>
    Dns,

    /// <summary>The most specific commonName of the subject.</summary>
    CommonName,
}

/// <summary>
/// The names of one certificate that can be a User-Name: 1 to 253 octets, no control characters. Others (with an embedded zero, say) count as not there.
/// </summary>
public sealed class CertificateNames
{
    // A certificate with more names is not one of a user.
    private const int MaxNames = 64;
    private const string SubjectAlternativeName = "2.5.29.17";
    private const string CommonNameAttribute = "2.5.4.3";
    private const string UserPrincipalName = "1.3.6.1.4.1.311.20.2.3";
    private const string NameConstraints = "2.5.29.30";

    private readonly List<(CertificateNameKind Kind, string Name)> _names = [];

    private CertificateNames(string subject) => Subject = subject;

    /// <summary>The subject's distinguished name, for the log.</summary>
    public string Subject { get; }

    public IReadOnlyList<(CertificateNameKind Kind, string Name)> All => _names;

    /// <summary>Whether an authority may certify some names only (RFC 5280 4.2.1.10).</summary>
    public static bool IsConstrained(X509Certificate2 authority)
    {
        ArgumentNullException.ThrowIfNull(authority);
        return authority.Extensions.Any(e => e.Oid?.Value == NameConstraints);
    }

    /// <summary>False with a reason when subject or subjectAltName is malformed or holds too many names.</summary>
    /// <param name="certificate">Whose names.</param>
    /// <param name="isConstrained">
    /// An authority of its path <see cref="IsConstrained"/>. Constraints on e-mail addresses do not reach user principal names, which pass for such here: they count as not there.
    /// </param>
    /// <param name="names">Complete when true.</param>
    /// <param name="reason">Empty when true.</param>
    public static bool TryRead(X509Certificate2 certificate, bool isConstrained, out CertificateNames names, out string reason)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        names = new CertificateNames("");
        reason = "";
        try
        {
            names = new CertificateNames(certificate.Subject);
            foreach (var extension in certificate.Extensions)
            {
                if (extension.Oid?.Value == SubjectAlternativeName)
                    names.ReadAlternativeNames(extension.RawData);
            }

            names.ReadCommonName(certificate.SubjectName);
            if (isConstrained)
                names._names.RemoveAll(static n => n.Kind == CertificateNameKind.Upn);
        }
        catch (Exception error) when (error is AsnContentException or CryptographicException or InvalidOperationException)
        {
            reason = "its subject or subjectAltName is malformed";
            return false;
        }

        if (names._names.Count <= MaxNames)
            return true;
        reason = $"it holds more than {MaxNames} names";
        return false;
    }

    /// <summary>The first name of the first kind in this order; null when there is none.</summary>
    public string? First(IReadOnlyList<CertificateNameKind> order)
    {
        ArgumentNullException.ThrowIfNull(order);
        foreach (var kind in order)
        {
            foreach (var (candidate, name) in _names)
            {
                if (candidate == kind)
                    return name;
            }
        }

        return null;
    }

    /// <summary>
    /// Whether an EAP identity names the holder: it is one of the names (letters of either case alike), <c>host/NAME</c> of a DNS name, as Windows machines
    /// write it, the subject's distinguished name, or <c>@REALM</c>, the realm alone of an e-mail address or user principal name (RFC 9190 2.1.8: anonymous NAI).
    /// </summary>
    public bool Holds(string identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        if (identity.Length == 0)
            return false;
        foreach (var (kind, name) in _names)
        {
            if (Same(name, identity) || (kind == CertificateNameKind.Dns && identity.StartsWith("host/", StringComparison.OrdinalIgnoreCase) && Same(name, identity[5..])))
                return true;
            if (kind is CertificateNameKind.Email or CertificateNameKind.Upn && identity[0] == '@' && name.LastIndexOf('@') is >= 0 and var at && Same(name[at..], identity))
                return true;
        }

        return Subject.Length > 0 && Same(Subject, identity);
    }

    private static bool Same(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    private void ReadAlternativeNames(byte[] der)
    {
        // RFC 5280 4.2.1.6: otherName [0], rfc822Name [1] IA5String, dNSName [2] IA5String.
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var list = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        while (list.HasData && _names.Count <= MaxNames)
        {
            var tag = list.PeekTag();
            if (tag.HasSameClassAndValue(new Asn1Tag(TagClass.ContextSpecific, 1)))
                Add(CertificateNameKind.Email, list.ReadCharacterString(UniversalTagNumber.IA5String, tag));
            else if (tag.HasSameClassAndValue(new Asn1Tag(TagClass.ContextSpecific, 2)))
                Add(CertificateNameKind.Dns, list.ReadCharacterString(UniversalTagNumber.IA5String, tag));
            else if (tag.HasSameClassAndValue(new Asn1Tag(TagClass.ContextSpecific, 0)))
                ReadOtherName(list.ReadSequence(tag));
            else
                list.ReadEncodedValue();
        }
    }

    private void ReadOtherName(AsnReader other)
    {
        if (other.ReadObjectIdentifier() != UserPrincipalName)
            return;
        var value = other.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true));
        Add(CertificateNameKind.Upn, value.ReadCharacterString(UniversalTagNumber.UTF8String));
    }

    private void ReadCommonName(X500DistinguishedName subject)
    {
        // The default order is the most specific first.
        foreach (var part in subject.EnumerateRelativeDistinguishedNames())
        {
            if (part.HasMultipleElements || part.GetSingleElementType().Value != CommonNameAttribute)
                continue;
            Add(CertificateNameKind.CommonName, part.GetSingleElementValue());
            return;
        }
    }

    private void Add(CertificateNameKind kind, string? name)
    {
        if (name is not null && EapIdentity.TryEncode(name, out _, out _))
            _names.Add((kind, name));
    }
}
