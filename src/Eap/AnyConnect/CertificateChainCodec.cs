using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;

namespace Headend.Eap.AnyConnect;

/// <summary>The client's chain: a degenerate PKCS#7 SignedData (RFC 5652 5.1) without signers, the leaf first.</summary>
public static class CertificateChainCodec
{
    private const string SignedData = "1.2.840.113549.1.7.2";

    private static readonly Asn1Tag Explicit0 = new(TagClass.ContextSpecific, 0);

    /// <summary>False for what is no such structure, has no certificate or more than <see cref="AnyConnectLimits.MaxCertificates"/>. The certificates are not parsed.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> pkcs7, [NotNullWhen(true)] out IReadOnlyList<ReadOnlyMemory<byte>>? certificates)
    {
        certificates = null;
        try
        {
            var outer = new AsnReader(pkcs7, AsnEncodingRules.BER);
            var contentInfo = outer.ReadSequence();
            if (outer.HasData || contentInfo.ReadObjectIdentifier() != SignedData)
                return false;
            var signedData = contentInfo.ReadSequence(Explicit0).ReadSequence();
            if (!signedData.TryReadInt32(out var version) || version != 1)
                return false;
            signedData.ReadSetOf();
            signedData.ReadSequence();
            if (!signedData.HasData || !signedData.PeekTag().HasSameClassAndValue(Explicit0))
                return false;
            var set = signedData.ReadSetOf(skipSortOrderValidation: true, Explicit0);
            var found = new List<ReadOnlyMemory<byte>>();
            while (set.HasData)
            {
                if (found.Count == AnyConnectLimits.MaxCertificates)
                    return false;
                found.Add(set.ReadEncodedValue());
            }

            certificates = found;
            return found.Count > 0;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }
}
