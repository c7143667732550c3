using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;

namespace Headend.Ikev2.Crypto;

/// <summary>The ASN.1 AlgorithmIdentifier of method 14 (RFC 7427 3 and appendix A, RFC 4055), DER in both directions.</summary>
internal static class SignatureAlgorithmCodec
{
    private const string RsaPssOid = "1.2.840.113549.1.1.10";
    private const string Mgf1Oid = "1.2.840.113549.1.1.8";
    private const int TrailerField = 1;

    private static readonly Asn1Tag s_pssHash = new(TagClass.ContextSpecific, 0);
    private static readonly Asn1Tag s_pssMaskGeneration = new(TagClass.ContextSpecific, 1);
    private static readonly Asn1Tag s_pssSaltLength = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag s_pssTrailer = new(TagClass.ContextSpecific, 3);

    private static readonly ConcurrentDictionary<(SignatureKind Kind, ushort Hash), byte[]> s_encoded = [];

    /// <summary>As <see cref="Encode"/>, made once.</summary>
    public static ReadOnlyMemory<byte> Encoded(SignatureKind kind, SignatureHash hash) => s_encoded.GetOrAdd((kind, hash.Id), static (_, what) => Encode(what.kind, what.hash), (kind, hash));

    public static byte[] Encode(SignatureKind kind, SignatureHash hash)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            if (kind == SignatureKind.RsaPss)
            {
                writer.WriteObjectIdentifier(RsaPssOid);
                WritePssParameters(writer, hash);
            }
            else
            {
                writer.WriteObjectIdentifier(kind == SignatureKind.Ecdsa ? hash.EcdsaOid : hash.RsaOid);
                if (kind == SignatureKind.RsaPkcs1)
                    writer.WriteNull();
            }
        }

        return writer.Encode();
    }

    /// <summary>Reads exactly one AlgorithmIdentifier; false for anything that is not DER, not known, or followed by more.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> der, out SignatureKind kind, [NotNullWhen(true)] out SignatureHash? hash)
    {
        kind = default;
        hash = null;
        try
        {
            var reader = new AsnReader(der, AsnEncodingRules.DER);
            var sequence = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            var oid = sequence.ReadObjectIdentifier();
            if (oid == RsaPssOid)
            {
                kind = SignatureKind.RsaPss;
                hash = ReadPssParameters(sequence);
            }
            else if (SignatureHash.All.FirstOrDefault(h => h.RsaOid == oid) is { } rsa)
            {
                kind = SignatureKind.RsaPkcs1;
                sequence.ReadNull();
                hash = rsa;
            }
            else if (SignatureHash.All.FirstOrDefault(h => h.EcdsaOid == oid) is { } ecdsa)
            {
                kind = SignatureKind.Ecdsa;
                hash = ecdsa;
            }

            sequence.ThrowIfNotEmpty();
        }
        catch (AsnContentException)
        {
            // The reader of the BCL has no other way to say it.
            hash = null;
        }

        return hash is not null;
    }

    /// <summary>ECDSA-Sig-Value (RFC 3279 2.2.3) as r and s of fixed length; .NET's own reader takes negative numbers for positive ones.</summary>
    public static bool TryDecodeEcdsa(ReadOnlyMemory<byte> der, int fieldOctets, [NotNullWhen(true)] out byte[]? fixedLength)
    {
        fixedLength = null;
        try
        {
            var reader = new AsnReader(der, AsnEncodingRules.DER);
            var sequence = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            var r = sequence.ReadIntegerBytes().Span;
            var s = sequence.ReadIntegerBytes().Span;
            sequence.ThrowIfNotEmpty();
            var isNegative = r[0] >= 0x80 || s[0] >= 0x80;
            r = r.TrimStart((byte)0);
            s = s.TrimStart((byte)0);
            if (isNegative || r.Length > fieldOctets || s.Length > fieldOctets)
                return false;

            fixedLength = new byte[2 * fieldOctets];
            r.CopyTo(fixedLength.AsSpan(fieldOctets - r.Length));
            s.CopyTo(fixedLength.AsSpan((2 * fieldOctets) - s.Length));
            return true;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    private static void WritePssParameters(AsnWriter writer, SignatureHash hash)
    {
        using (writer.PushSequence())
        {
            using (writer.PushSequence(s_pssHash))
                WriteHash(writer, hash);
            using (writer.PushSequence(s_pssMaskGeneration))
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(Mgf1Oid);
                WriteHash(writer, hash);
            }

            using (writer.PushSequence(s_pssSaltLength))
                writer.WriteInteger(hash.Octets);

            // DER leaves a default out, but RFC 7427 A.4.3 prints it and peers compare octets; both forms are read.
            using (writer.PushSequence(s_pssTrailer))
                writer.WriteInteger(TrailerField);
        }
    }

    // RFC 4055 2.1: parameters of the hash are NULL or absent, both are to be accepted; here NULL is written.
    private static void WriteHash(AsnWriter writer, SignatureHash hash)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(hash.HashOid);
            writer.WriteNull();
        }
    }

    // The defaults of RSASSA-PSS-params are SHA-1 throughout, therefore hash and mask generation must be there.
    private static SignatureHash? ReadPssParameters(AsnReader algorithm)
    {
        var parameters = algorithm.ReadSequence();
        var hash = ReadHash(parameters.ReadSequence(s_pssHash));
        var tagged = parameters.ReadSequence(s_pssMaskGeneration);
        var maskGeneration = tagged.ReadSequence();
        tagged.ThrowIfNotEmpty();
        var isMgf1 = maskGeneration.ReadObjectIdentifier() == Mgf1Oid;
        var maskHash = ReadHash(maskGeneration);
        var salt = parameters.ReadSequence(s_pssSaltLength);
        var hasOurSalt = salt.TryReadInt32(out var saltLength) && saltLength == hash?.Octets;
        salt.ThrowIfNotEmpty();

        var hasOurTrailer = true;
        if (parameters.HasData)
        {
            var trailer = parameters.ReadSequence(s_pssTrailer);
            hasOurTrailer = trailer.TryReadInt32(out var number) && number == TrailerField;
            trailer.ThrowIfNotEmpty();
        }

        parameters.ThrowIfNotEmpty();
        return isMgf1 && hasOurSalt && hasOurTrailer && hash == maskHash ? hash : null;
    }

    private static SignatureHash? ReadHash(AsnReader holder)
    {
        var identifier = holder.ReadSequence();
        holder.ThrowIfNotEmpty();
        var oid = identifier.ReadObjectIdentifier();
        if (identifier.HasData)
            identifier.ReadNull();
        identifier.ThrowIfNotEmpty();
        return SignatureHash.All.FirstOrDefault(h => h.HashOid == oid);
    }
}
