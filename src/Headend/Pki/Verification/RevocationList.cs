using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Pki.Verification;

/// <summary>
/// A certificate revocation list (RFC 5280 5), complete and direct: delta lists, indirect ones and those for some reasons only are not used, since what they leave
/// out would pass. Thread-safe.
/// </summary>
internal sealed class RevocationList
{
    private const string DeltaIndicator = "2.5.29.27";
    private const string IssuingDistributionPoint = "2.5.29.28";
    private const string ListNumber = "2.5.29.20";
    private const string CertificateIssuer = "2.5.29.29";
    private const int MostIssuers = 8;

    private readonly HashSet<BigInteger> serials = [];
    private readonly List<string> pointUris = [];
    private readonly ConcurrentDictionary<string, string> verdicts = new();
    private readonly SignedStructure signed;
    private bool forUsersOnly;
    private bool forAuthoritiesOnly;
    private bool hasPoint;

    private RevocationList(SignedStructure signed) => this.signed = signed;

    /// <summary>DER of the issuer's name.</summary>
    public ReadOnlyMemory<byte> Issuer { get; private set; }

    public DateTimeOffset ThisUpdate { get; private set; }

    public DateTimeOffset NextUpdate { get; private set; }

    /// <summary>cRLNumber (RFC 5280 5.2.3), which tells lists of the same second apart; -1 without.</summary>
    public BigInteger Number { get; private set; } = BigInteger.MinusOne;

    /// <summary>Which certificates it is about; equal for the lists that follow each other.</summary>
    public string Scope { get; private set; } = "";

    public int Count => serials.Count;

    /// <summary>Reads DER; the signature is judged by <see cref="Revokes"/> and <see cref="WhyNotOf"/>.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> der, [NotNullWhen(true)] out RevocationList? list, out string problem)
    {
        list = null;
        problem = "";
        if (!SignedStructure.TryRead(der, out var signed))
        {
            problem = "it is no revocation list in DER";
            return false;
        }

        var made = new RevocationList(signed);
        try
        {
            problem = made.ReadContents() ?? "";
        }
        catch (AsnContentException)
        {
            problem = "it is malformed";
        }

        list = problem.Length == 0 ? made : null;
        return list is not null;
    }

    /// <summary>
    /// Whether the issuer says by this list that the certificate is revoked. That holds whatever the list's dates and scope are: nobody comes off a list because the
    /// next one is late.
    /// </summary>
    public bool Revokes(X509Certificate2 certificate, X509Certificate2 issuer) => Holds(certificate) && IsBy(issuer);

    /// <summary>Null when the list is current and decides about this certificate of this issuer, so that who is not on it is good; else why not.</summary>
    public string? WhyNotFor(X509Certificate2 certificate, X509Certificate2 issuer, DateTimeOffset now) => WhyNotOf(issuer, now) ?? WhyNotAbout(certificate);

    /// <summary>Null when the list is current and by this issuer, whatever certificates it is about; else why not.</summary>
    public string? WhyNotOf(X509Certificate2 issuer, DateTimeOffset now)
    {
        if (!IsOf(issuer))
            return "it is of another issuer";
        if (IsEarly(now))
            return $"it is not valid before {CertificateText.Date(ThisUpdate)}";
        if (now > NextUpdate)
            return $"it has expired on {CertificateText.Date(NextUpdate)}";
        return WhyNotBy(issuer);
    }

    /// <summary>Whether the issuer has signed it and may.</summary>
    public bool IsBy(X509Certificate2 issuer) => IsOf(issuer) && WhyNotBy(issuer) is null;

    /// <summary>Whether its thisUpdate is yet to come, by more than clocks differ.</summary>
    // Dates may be the first or the last that there is: what is added is added to ours.
    public bool IsEarly(DateTimeOffset now) => now + OcspCodec.ClockSkew < ThisUpdate;

    /// <summary>Whether who is not on it is left out of it on purpose.</summary>
    public bool IsAbout(X509Certificate2 certificate) => WhyNotAbout(certificate) is null;

    /// <summary>Whether it is of one of these distribution points, or of none.</summary>
    public bool IsOfAny(IReadOnlyList<string> uris) => !hasPoint || uris.Any(pointUris.Contains);

    /// <summary>Whether the list holds the certificate's serial number.</summary>
    public bool Holds(X509Certificate2 certificate) => serials.Contains(new BigInteger(certificate.SerialNumberBytes.Span, isUnsigned: true, isBigEndian: true));

    private static bool IsAuthority(X509Certificate2 certificate) => certificate.Extensions.Any(e => e is X509BasicConstraintsExtension { CertificateAuthority: true });

    private bool IsOf(X509Certificate2 issuer) => issuer.SubjectName.RawData.AsSpan().SequenceEqual(Issuer.Span);

    private string? WhyNotAbout(X509Certificate2 certificate)
    {
        var isAuthority = IsAuthority(certificate);
        if ((forUsersOnly && isAuthority) || (forAuthoritiesOnly && !isAuthority))
            return "it is for certificates of another kind";

        // RFC 5280 6.3.3 (b)(2)(i): a list of one of several distribution points decides only about certificates that name the point.
        return !IsOfAny(DistributionPoints.ListUris(certificate)) ? "it is of another distribution point" : null;
    }

    // Hashing some megabytes for every login would be the larger part of it.
    private string? WhyNotBy(X509Certificate2 issuer)
    {
        var key = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(issuer.RawDataMemory.Span));
        if (!verdicts.TryGetValue(key, out var verdict))
        {
            verdict = MayNotSign(issuer) ? "its issuer's key usage does not allow revocation lists" : signed.WhyNotBy(issuer) ?? "";
            if (verdicts.Count < MostIssuers)
                verdicts[key] = verdict;
        }

        return verdict.Length == 0 ? null : verdict;
    }

    // RFC 5280 4.2.1.3: "If the key usage extension is present ... the cRLSign bit MUST be set".
    private static bool MayNotSign(X509Certificate2 issuer) =>
        issuer.Extensions.Any(e => e is X509KeyUsageExtension usage && (usage.KeyUsages & X509KeyUsageFlags.CrlSign) == 0);

    private string? ReadContents()
    {
        var contents = new AsnReader(signed.Contents, AsnEncodingRules.DER).ReadSequence();
        if (contents.PeekTag().HasSameClassAndValue(Asn1Tag.Integer))
            contents.ReadInteger();
        if (!contents.ReadEncodedValue().Span.SequenceEqual(signed.Algorithm.Span))
            return "its two signature algorithms differ";
        Issuer = contents.ReadEncodedValue();
        ThisUpdate = ReadTime(contents);
        if (!contents.HasData || !IsTime(contents.PeekTag()))
            return "it has no nextUpdate";
        NextUpdate = ReadTime(contents);
        if (contents.HasData && contents.PeekTag().HasSameClassAndValue(Asn1Tag.Sequence) && ReadEntries(contents.ReadSequence()) is { } problem)
            return problem;
        var extensions = new Asn1Tag(TagClass.ContextSpecific, 0);
        return contents.HasData && contents.PeekTag().HasSameClassAndValue(extensions) ? ReadExtensions(contents.ReadSequence(extensions).ReadSequence()) : null;
    }

    private string? ReadEntries(AsnReader entries)
    {
        while (entries.HasData)
        {
            var entry = entries.ReadSequence();
            serials.Add(new BigInteger(entry.ReadIntegerBytes().Span, isUnsigned: true, isBigEndian: true));
            ReadTime(entry);
            if (!entry.HasData)
                continue;
            for (var extensions = entry.ReadSequence(); extensions.HasData;)
            {
                var (id, critical, _) = ReadExtension(extensions.ReadSequence());
                if (id == CertificateIssuer || critical)
                    return $"an entry has the extension {id}, so that it is no plain list";
            }
        }

        return null;
    }

    private string? ReadExtensions(AsnReader extensions)
    {
        while (extensions.HasData)
        {
            var (id, critical, value) = ReadExtension(extensions.ReadSequence());
            if (id == DeltaIndicator)
                return "it is a delta list";
            if (id == IssuingDistributionPoint)
            {
                Scope = Convert.ToHexString(value.Span);
                if (!TryReadPoint(new AsnReader(value, AsnEncodingRules.DER).ReadSequence()))
                    return "it is indirect, for some reasons only, or for attribute certificates";
            }
            else if (id == ListNumber)
            {
                Number = new AsnReader(value, AsnEncodingRules.DER).ReadInteger();
            }
            else if (critical)
            {
                return $"it has the critical extension {id}";
            }
        }

        return null;
    }

    // RFC 5280 5.2.5.
    private bool TryReadPoint(AsnReader point)
    {
        while (point.HasData)
        {
            var tag = point.PeekTag();
            if (tag.TagClass != TagClass.ContextSpecific)
                return false;
            switch (tag.TagValue)
            {
                case 0:
                    hasPoint = true;
                    pointUris.AddRange(DistributionPoints.ReadName(point.ReadSequence(tag)));
                    break;
                case 1:
                    forUsersOnly = point.ReadBoolean(tag);
                    break;
                case 2:
                    forAuthoritiesOnly = point.ReadBoolean(tag);
                    break;
                default:
                    return false;
            }
        }

        return true;
    }

    private static (string Id, bool Critical, ReadOnlyMemory<byte> Value) ReadExtension(AsnReader extension)
    {
        var id = extension.ReadObjectIdentifier();
        var critical = extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && extension.ReadBoolean();
        return (id, critical, extension.ReadOctetString());
    }

    private static bool IsTime(Asn1Tag tag) => tag.HasSameClassAndValue(Asn1Tag.UtcTime) || tag.HasSameClassAndValue(Asn1Tag.GeneralizedTime);

    private static DateTimeOffset ReadTime(AsnReader reader) =>
        reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime) ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();
}
