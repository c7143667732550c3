using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Tests.Pki.Verification;

/// <summary>An OCSP responder's answers, written from RFC 6960 4.2.1 and nothing of the headend's.</summary>
internal sealed record TestOcsp(X509Certificate2 Issuer, X509SignatureGenerator Signer, X509Certificate2 Responder)
{
    public enum Status
    {
        Good,
        Revoked,
        Unknown,
    }

    public Status Says { get; init; }

    public DateTimeOffset ThisUpdate { get; init; } = DateTimeOffset.UtcNow.AddMinutes(-1);

    public DateTimeOffset? NextUpdate { get; init; } = DateTimeOffset.UtcNow.AddHours(1);

    /// <summary>Null sends none.</summary>
    public byte[]? Nonce { get; init; }

    public bool ByKey { get; init; }

    /// <summary>The responder's certificate goes with the answer.</summary>
    public bool SendsCertificate { get; init; } = true;

    public byte[] Answer(X509Certificate2 certificate)
    {
        var contents = Contents(certificate);
        var algorithm = Signer.GetSignatureAlgorithmIdentifier(HashAlgorithmName.SHA256);
        var basic = new AsnWriter(AsnEncodingRules.DER);
        using (basic.PushSequence())
        {
            basic.WriteEncodedValue(contents);
            basic.WriteEncodedValue(algorithm);
            basic.WriteBitString(Signer.SignData(contents, HashAlgorithmName.SHA256));
            if (SendsCertificate)
            {
                using (basic.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
                using (basic.PushSequence())
                    basic.WriteEncodedValue(Responder.RawData);
            }
        }

        var answer = new AsnWriter(AsnEncodingRules.DER);
        using (answer.PushSequence())
        {
            answer.WriteEnumeratedValue(ResponseStatus.Successful);
            using (answer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
            using (answer.PushSequence())
            {
                answer.WriteObjectIdentifier("1.3.6.1.5.5.7.48.1.1");
                answer.WriteOctetString(basic.Encode());
            }
        }

        return answer.Encode();
    }

    private enum ResponseStatus
    {
        Successful,
    }

    private byte[] Contents(X509Certificate2 certificate)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, ByKey ? 2 : 1)))
            {
                if (ByKey)
                    writer.WriteOctetString(SHA1.HashData(Responder.PublicKey.EncodedKeyValue.RawData));
                else
                    writer.WriteEncodedValue(Responder.SubjectName.RawData);
            }

            writer.WriteGeneralizedTime(ThisUpdate, omitFractionalSeconds: true);
            using (writer.PushSequence())
                WriteSingle(writer, certificate);
            if (Nonce is not null)
                WriteNonce(writer, Nonce);
        }

        return writer.Encode();
    }

    private void WriteSingle(AsnWriter writer, X509Certificate2 certificate)
    {
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier("1.3.14.3.2.26");
                    writer.WriteNull();
                }

                writer.WriteOctetString(SHA1.HashData(Issuer.SubjectName.RawData));
                writer.WriteOctetString(SHA1.HashData(Issuer.PublicKey.EncodedKeyValue.RawData));
                writer.WriteIntegerUnsigned(certificate.SerialNumberBytes.Span);
            }

            if (Says == Status.Revoked)
            {
                using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 1)))
                    writer.WriteGeneralizedTime(ThisUpdate, omitFractionalSeconds: true);
            }
            else
            {
                writer.WriteNull(new Asn1Tag(TagClass.ContextSpecific, Says == Status.Good ? 0 : 2));
            }

            writer.WriteGeneralizedTime(ThisUpdate, omitFractionalSeconds: true);
            if (NextUpdate is { } next)
            {
                using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
                    writer.WriteGeneralizedTime(next, omitFractionalSeconds: true);
            }
        }
    }

    private static void WriteNonce(AsnWriter writer, byte[] nonce)
    {
        using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 1)))
        using (writer.PushSequence())
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier("1.3.6.1.5.5.7.48.1.2");
            var value = new AsnWriter(AsnEncodingRules.DER);
            value.WriteOctetString(nonce);
            writer.WriteOctetString(value.Encode());
        }
    }
}
