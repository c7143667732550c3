using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Pki.Verification;

/// <summary>OCSP requests and answers about one certificate (RFC 6960, RFC 8954), DER in both directions.</summary>
internal static class OcspCodec
{
    /// <summary>Clocks of responders and ours may differ by so much.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    /// <summary>RFC 8954 2.1: 32 octets.</summary>
    public const int NonceOctets = 32;

    private const string Nonce = "1.3.6.1.5.5.7.48.1.2";
    private const string Basic = "1.3.6.1.5.5.7.48.1.1";
    private const string Signing = "1.3.6.1.5.5.7.3.9";
    private const string Sha1 = "1.3.14.3.2.26";
    private const int MostResponders = 4;

    private static readonly Asn1Tag Tag0 = new(TagClass.ContextSpecific, 0);
    private static readonly Asn1Tag Tag1 = new(TagClass.ContextSpecific, 1);
    private static readonly Asn1Tag Tag2 = new(TagClass.ContextSpecific, 2);

    /// <summary>A request with a nonce. CertID is by SHA-1, which every responder knows (RFC 5019 2.1.1); it names, it does not prove.</summary>
    public static byte[] Encode(X509Certificate2 certificate, X509Certificate2 issuer, ReadOnlySpan<byte> nonce)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            using (writer.PushSequence())
            using (writer.PushSequence())
            {
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier(Sha1);
                    writer.WriteNull();
                }

                writer.WriteOctetString(SHA1.HashData(issuer.SubjectName.RawData));
                writer.WriteOctetString(SHA1.HashData(issuer.PublicKey.EncodedKeyValue.RawData));
                writer.WriteInteger(SerialOf(certificate));
            }

            using (writer.PushSequence(Tag2))
            using (writer.PushSequence())
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(Nonce);
                var value = new AsnWriter(AsnEncodingRules.DER);
                value.WriteOctetString(nonce);
                writer.WriteOctetString(value.Encode());
            }
        }

        return writer.Encode();
    }

    /// <summary>Judges an answer; whatever is wrong with it makes the status unknown, with the reason.</summary>
    /// <param name="answer">DER of OCSPResponse.</param>
    /// <param name="certificate">Asked about.</param>
    /// <param name="issuer">Its issuer, trusted.</param>
    /// <param name="nonce">Of the request. An answer without nonce is taken (responders answer from what they signed before); a wrong one is not.</param>
    /// <param name="now">For thisUpdate and nextUpdate.</param>
    public static RevocationAnswer Decode(ReadOnlyMemory<byte> answer, X509Certificate2 certificate, X509Certificate2 issuer, ReadOnlySpan<byte> nonce, DateTimeOffset now)
    {
        try
        {
            return Read(answer, certificate, issuer, nonce, now);
        }
        catch (Exception malformed) when (malformed is AsnContentException or CryptographicException)
        {
            return RevocationAnswer.Unknown("the OCSP answer is malformed");
        }
    }

    private static RevocationAnswer Read(ReadOnlyMemory<byte> answer, X509Certificate2 certificate, X509Certificate2 issuer, ReadOnlySpan<byte> nonce, DateTimeOffset now)
    {
        var outer = new AsnReader(answer, AsnEncodingRules.DER);
        var response = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        if (response.ReadEnumeratedBytes().Span is not [0])
            return RevocationAnswer.Unknown("the OCSP responder answered with an error");
        var bytes = response.ReadSequence(Tag0).ReadSequence();
        if (bytes.ReadObjectIdentifier() != Basic)
            return RevocationAnswer.Unknown("the OCSP answer is of an unknown type");
        var whole = new AsnReader(bytes.ReadOctetString(), AsnEncodingRules.DER);
        var basic = whole.ReadSequence();
        whole.ThrowIfNotEmpty();
        var signed = SignedStructure.Read(basic);
        var contents = new AsnReader(signed.Contents, AsnEncodingRules.DER).ReadSequence();
        if (contents.PeekTag().HasSameClassAndValue(Tag0))
            contents.ReadEncodedValue();
        var responder = contents.ReadEncodedValue();
        contents.ReadGeneralizedTime();
        var responses = contents.ReadSequence();
        if (contents.HasData && NonceOf(contents.ReadSequence(Tag1).ReadSequence()) is { } echoed && !echoed.AsSpan().SequenceEqual(nonce))
            return RevocationAnswer.Unknown("the OCSP answer has another nonce than the request");
        if (WhyNotBy(signed, responder, basic, issuer, now) is { } reason)
            return RevocationAnswer.Unknown(reason);
        return Find(responses, certificate, issuer, now);
    }

    // RFC 6960 4.2.2.2: by the issuer itself, or by whom the issuer has certified for it with id-kp-OCSPSigning.
    private static string? WhyNotBy(SignedStructure signed, ReadOnlyMemory<byte> responder, AsnReader basic, X509Certificate2 issuer, DateTimeOffset now)
    {
        if (Names(responder, issuer) && signed.WhyNotBy(issuer) is null)
            return null;
        var count = 0;
        for (var certificates = basic.HasData ? basic.ReadSequence(Tag0).ReadSequence() : null; certificates is { HasData: true } && count < MostResponders; count++)
        {
            var der = certificates.ReadEncodedValue();
            using var delegated = X509CertificateLoader.LoadCertificate(der.Span);
            if (Names(responder, delegated) && IsDelegated(delegated, der, issuer, now))
                return signed.WhyNotBy(delegated) is { } wrong ? $"the OCSP answer's signature is not accepted: {wrong}" : null;
        }

        return "the OCSP answer is by nobody whom the issuer has certified for it";
    }

    private static bool IsDelegated(X509Certificate2 responder, ReadOnlyMemory<byte> der, X509Certificate2 issuer, DateTimeOffset now) =>
        responder.IssuerName.RawData.AsSpan().SequenceEqual(issuer.SubjectName.RawData)
        && now.UtcDateTime >= responder.NotBefore.ToUniversalTime() && now.UtcDateTime <= responder.NotAfter.ToUniversalTime()
        && responder.Extensions.Any(e => e is X509EnhancedKeyUsageExtension usage && usage.EnhancedKeyUsages.Cast<Oid>().Any(o => o.Value == Signing))
        && !responder.Extensions.Any(e => e is X509KeyUsageExtension usage && (usage.KeyUsages & X509KeyUsageFlags.DigitalSignature) == 0)
        && SignedStructure.TryRead(der, out var signed) && signed.WhyNotBy(issuer) is null;

    // ResponderID: byName [1], byKey [2].
    private static bool Names(ReadOnlyMemory<byte> responder, X509Certificate2 certificate)
    {
        var reader = new AsnReader(responder, AsnEncodingRules.DER);
        if (reader.PeekTag().HasSameClassAndValue(Tag1))
            return reader.ReadSequence(Tag1).ReadEncodedValue().Span.SequenceEqual(certificate.SubjectName.RawData);
        return reader.PeekTag().HasSameClassAndValue(Tag2)
            && reader.ReadSequence(Tag2).ReadOctetString().AsSpan().SequenceEqual(SHA1.HashData(certificate.PublicKey.EncodedKeyValue.RawData));
    }

    private static byte[]? NonceOf(AsnReader extensions)
    {
        while (extensions.HasData)
        {
            var extension = extensions.ReadSequence();
            var id = extension.ReadObjectIdentifier();
            if (extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean))
                extension.ReadBoolean();
            var value = extension.ReadOctetString();
            if (id == Nonce)
                return new AsnReader(value, AsnEncodingRules.DER).ReadOctetString();
        }

        return null;
    }

    private static RevocationAnswer Find(AsnReader responses, X509Certificate2 certificate, X509Certificate2 issuer, DateTimeOffset now)
    {
        while (responses.HasData)
        {
            var single = responses.ReadSequence();
            if (!IsAbout(single.ReadSequence(), certificate, issuer))
                continue;
            var status = single.PeekTag();
            single.ReadEncodedValue();
            var thisUpdate = single.ReadGeneralizedTime();
            DateTimeOffset? nextUpdate = single.HasData && single.PeekTag().HasSameClassAndValue(Tag0) ? single.ReadSequence(Tag0).ReadGeneralizedTime() : null;
            if (now + ClockSkew < thisUpdate)
                return RevocationAnswer.Unknown($"the OCSP answer is not valid before {CertificateText.Date(thisUpdate)}");

            // RFC 6960 4.2.2.1: without nextUpdate newer information is there at any time. Nothing is added to a date of the answer's, which may be the last that there is.
            if (now - ClockSkew > (nextUpdate ?? thisUpdate))
                return RevocationAnswer.Unknown($"the OCSP answer is of {CertificateText.Date(thisUpdate)} and no longer valid");
            return status.TagValue switch
            {
                0 => RevocationAnswer.Good(nextUpdate ?? now, thisUpdate),
                1 => RevocationAnswer.Revoked("by OCSP", nextUpdate ?? now, thisUpdate),
                _ => RevocationAnswer.Unknown("the OCSP responder does not know the certificate"),
            };
        }

        return RevocationAnswer.Unknown("the OCSP answer is about another certificate");
    }

    private static bool IsAbout(AsnReader id, X509Certificate2 certificate, X509Certificate2 issuer) =>
        id.ReadSequence().ReadObjectIdentifier() == Sha1
        && id.ReadOctetString().AsSpan().SequenceEqual(SHA1.HashData(issuer.SubjectName.RawData))
        && id.ReadOctetString().AsSpan().SequenceEqual(SHA1.HashData(issuer.PublicKey.EncodedKeyValue.RawData))
        && id.ReadInteger() == SerialOf(certificate);

    private static BigInteger SerialOf(X509Certificate2 certificate) => new(certificate.SerialNumberBytes.Span, isUnsigned: true, isBigEndian: true);
}
