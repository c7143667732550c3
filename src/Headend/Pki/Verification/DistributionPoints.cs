using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Pki.Verification;

/// <summary>Where a certificate says that its status can be had: cRLDistributionPoints (RFC 5280 4.2.1.13) and authorityInfoAccess (4.2.2.1).</summary>
internal static class DistributionPoints
{
    private const string ListPoints = "2.5.29.31";
    private const string InformationAccess = "1.3.6.1.5.5.7.1.1";
    private const string Ocsp = "1.3.6.1.5.5.7.48.1";
    private const int MostUris = 8;

    private static readonly Asn1Tag Uri = new(TagClass.ContextSpecific, 6);

    /// <summary>URIs of complete lists by the certificate's own issuer; empty where there are none, or the extension is malformed.</summary>
    public static IReadOnlyList<string> ListUris(X509Certificate2 certificate) => Read(certificate, ListPoints, ReadPoints);

    /// <summary>URIs of OCSP responders.</summary>
    public static IReadOnlyList<string> ResponderUris(X509Certificate2 certificate) => Read(certificate, InformationAccess, ReadAccess);

    /// <summary>URIs in a DistributionPointName; a name relative to the issuer gives none.</summary>
    /// <exception cref="AsnContentException">It is malformed.</exception>
    public static IEnumerable<string> ReadName(AsnReader name)
    {
        var fullName = new Asn1Tag(TagClass.ContextSpecific, 0);
        var uris = new List<string>();
        if (!name.PeekTag().HasSameClassAndValue(fullName))
            return uris;
        for (var names = name.ReadSequence(fullName); names.HasData && uris.Count < MostUris;)
        {
            if (names.PeekTag().HasSameClassAndValue(Uri))
                uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, Uri));
            else
                names.ReadEncodedValue();
        }

        return uris;
    }

    private static List<string> Read(X509Certificate2 certificate, string id, Action<AsnReader, List<string>> read)
    {
        var uris = new List<string>();
        try
        {
            foreach (var extension in certificate.Extensions)
            {
                if (extension.Oid?.Value == id)
                    read(new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence(), uris);
            }
        }
        catch (AsnContentException)
        {
            uris.Clear();
        }

        return uris;
    }

    private static void ReadPoints(AsnReader points, List<string> uris)
    {
        while (points.HasData && uris.Count < MostUris)
        {
            var point = points.ReadSequence();
            var distributionPoint = new Asn1Tag(TagClass.ContextSpecific, 0);
            if (!point.HasData || !point.PeekTag().HasSameClassAndValue(distributionPoint))
                continue;
            var names = ReadName(point.ReadSequence(distributionPoint));

            // reasons [1] and cRLIssuer [2] tell of lists that are not complete or not by the issuer.
            if (!point.HasData)
                uris.AddRange(names);
        }
    }

    private static void ReadAccess(AsnReader descriptions, List<string> uris)
    {
        while (descriptions.HasData && uris.Count < MostUris)
        {
            var description = descriptions.ReadSequence();
            if (description.ReadObjectIdentifier() == Ocsp && description.PeekTag().HasSameClassAndValue(Uri))
                uris.Add(description.ReadCharacterString(UniversalTagNumber.IA5String, Uri));
        }
    }
}
