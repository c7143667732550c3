using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.TestKit.Pki;

/// <summary>An Ed25519 key of libcrypto, which signs AUTH payloads and certificates.</summary>
public sealed partial class Ed25519Key
{
    private const string Library = "libcrypto.so.3";
    private const int Octets = 32;

    private readonly byte[] _private = RandomNumberGenerator.GetBytes(Octets);

    public Ed25519Key()
    {
        var key = EVP_PKEY_new_raw_private_key_ex(0, "ED25519", 0, _private, Octets);
        var raw = new byte[Octets];
        nuint length = Octets;
        Require(EVP_PKEY_get_raw_public_key(key, raw, ref length));
        EVP_PKEY_free(key);
        Public = new PublicKey(new Oid("1.3.101.112"), null!, new AsnEncodedData(raw));
    }

    /// <summary>SEQUENCE { id-Ed25519 }.</summary>
    public static byte[] AlgorithmIdentifier => [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

    public PublicKey Public { get; }

    public byte[] Sign(ReadOnlySpan<byte> octets)
    {
        var key = EVP_PKEY_new_raw_private_key_ex(0, "ED25519", 0, _private, Octets);
        var context = EVP_MD_CTX_new();
        var signature = new byte[64];
        nuint length = 64;
        Require(EVP_DigestSignInit(context, 0, 0, 0, key));
        Require(EVP_DigestSign(context, signature, ref length, octets, (nuint)octets.Length));
        EVP_MD_CTX_free(context);
        EVP_PKEY_free(key);
        return signature;
    }

    /// <summary>For a CA with this key.</summary>
    public X509SignatureGenerator Generator => new SignatureGenerator(this);

    private static void Require(int result)
    {
        if (result != 1)
            throw new CryptographicException("libcrypto's Ed25519");
    }

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint EVP_PKEY_new_raw_private_key_ex(nint libraryContext, string type, nint properties, ReadOnlySpan<byte> key, nuint length);

    [LibraryImport(Library)]
    private static partial int EVP_PKEY_get_raw_public_key(nint key, Span<byte> raw, ref nuint length);

    [LibraryImport(Library)]
    private static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Library)]
    private static partial nint EVP_MD_CTX_new();

    [LibraryImport(Library)]
    private static partial void EVP_MD_CTX_free(nint context);

    [LibraryImport(Library)]
    private static partial int EVP_DigestSignInit(nint context, nint keyContext, nint digest, nint engine, nint key);

    [LibraryImport(Library)]
    private static partial int EVP_DigestSign(nint context, Span<byte> signature, ref nuint signatureLength, ReadOnlySpan<byte> octets, nuint length);

    private sealed class SignatureGenerator(Ed25519Key key) : X509SignatureGenerator
    {
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) => AlgorithmIdentifier;

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => key.Sign(data);

        protected override PublicKey BuildPublicKey() => key.Public;
    }
}
