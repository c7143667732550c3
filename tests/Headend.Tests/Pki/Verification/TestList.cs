using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.TestKit.Pki;

namespace Headend.Tests.Pki.Verification;

/// <summary>Revocation lists that the runtime's builder does not make: of one distribution point (RFC 5280 5.2.5), with any dates and numbers.</summary>
internal sealed record TestList(TestAuthority Authority)
{
    private static readonly Asn1Tag Tag0 = new(TagClass.ContextSpecific, 0);

    public DateTimeOffset ThisUpdate { get; init; } = DateTimeOffset.UtcNow.AddHours(-1);

    public DateTimeOffset NextUpdate { get; init; } = DateTimeOffset.UtcNow.AddDays(1);

    public X509Certificate2? Revoked { get; init; }

    /// <summary>issuingDistributionPoint with this URI.</summary>
    public string? Point { get; init; }

    /// <summary>cRLNumber; null for none.</summary>
    public int? Number { get; init; }

    public byte[] Encode()
    {
        var algorithm = Authority.Signer.GetSignatureAlgorithmIdentifier(HashAlgorithmName.SHA256);
        var contents = Contents(algorithm);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(contents);
            writer.WriteEncodedValue(algorithm);
            writer.WriteBitString(Authority.Signer.SignData(contents, HashAlgorithmName.SHA256));
        }

        return writer.Encode();
    }

    private byte[] Contents(byte[] algorithm)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(1);
            writer.WriteEncodedValue(algorithm);
            writer.WriteEncodedValue(Authority.Certificate.SubjectName.RawData);
            writer.WriteGeneralizedTime(ThisUpdate, omitFractionalSeconds: true);
            writer.WriteGeneralizedTime(NextUpdate, omitFractionalSeconds: true);
            if (Revoked is not null)
            {
                using (writer.PushSequence())
                using (writer.PushSequence())
                {
                    writer.WriteIntegerUnsigned(Revoked.SerialNumberBytes.Span);
                    writer.WriteGeneralizedTime(DateTimeOffset.UtcNow, omitFractionalSeconds: true);
                }
            }

            if (Point is not null || Number is not null)
            {
                using (writer.PushSequence(Tag0))
                using (writer.PushSequence())
                    WriteExtensions(writer);
            }
        }

        return writer.Encode();
    }

    private void WriteExtensions(AsnWriter writer)
    {
        if (Number is { } number)
        {
            var value = new AsnWriter(AsnEncodingRules.DER);
            value.WriteInteger(number);
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier("2.5.29.20");
                writer.WriteOctetString(value.Encode());
            }
        }

        if (Point is null)
            return;
        var point = new AsnWriter(AsnEncodingRules.DER);
        using (point.PushSequence())
        using (point.PushSequence(Tag0))
        using (point.PushSequence(Tag0))
            point.WriteCharacterString(UniversalTagNumber.IA5String, Point, new Asn1Tag(TagClass.ContextSpecific, 6));
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier("2.5.29.28");
            writer.WriteBoolean(true);
            writer.WriteOctetString(point.Encode());
        }
    }
}
