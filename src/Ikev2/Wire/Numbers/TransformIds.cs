namespace Headend.Ikev2.Wire;

/// <summary>Transform IDs of the IANA registry, one group per transform type. IDs stay plain numbers so that unknown ones survive.</summary>
public static class TransformIds
{
    /// <summary>RFC 7296 3.3.2, RFC 5282, RFC 7634, RFC 8750.</summary>
    public static class Encryption
    {
        public const ushort DesIv64 = 1;
        public const ushort Des = 2;
        public const ushort TripleDes = 3;
        public const ushort Null = 11;
        public const ushort AesCbc = 12;
        public const ushort AesCtr = 13;
        public const ushort AesCcm8 = 14;
        public const ushort AesCcm12 = 15;
        public const ushort AesCcm16 = 16;
        public const ushort AesGcm8 = 18;
        public const ushort AesGcm12 = 19;
        public const ushort AesGcm16 = 20;
        public const ushort NullAesGmac = 21;
        public const ushort CamelliaCbc = 23;
        public const ushort ChaCha20Poly1305 = 28;
        public const ushort AesCcm8Iiv = 29;
        public const ushort AesGcm16Iiv = 30;
        public const ushort ChaCha20Poly1305Iiv = 31;
    }

    /// <summary>RFC 7296 3.3.2, RFC 4868, RFC 4615.</summary>
    public static class Prf
    {
        public const ushort HmacMd5 = 1;
        public const ushort HmacSha1 = 2;
        public const ushort Aes128Xcbc = 4;
        public const ushort HmacSha256 = 5;
        public const ushort HmacSha384 = 6;
        public const ushort HmacSha512 = 7;
        public const ushort Aes128Cmac = 8;
    }

    /// <summary>RFC 7296 3.3.2, RFC 4868.</summary>
    public static class Integrity
    {
        public const ushort None = 0;
        public const ushort HmacMd5_96 = 1;
        public const ushort HmacSha1_96 = 2;
        public const ushort AesXcbc96 = 5;
        public const ushort HmacSha1_160 = 7;
        public const ushort AesCmac96 = 8;
        public const ushort Aes128Gmac = 9;
        public const ushort Aes192Gmac = 10;
        public const ushort Aes256Gmac = 11;
        public const ushort HmacSha256_128 = 12;
        public const ushort HmacSha384_192 = 13;
        public const ushort HmacSha512_256 = 14;
    }

    /// <summary>RFC 3526, RFC 5903, RFC 6954, RFC 8031; ML-KEM per draft-ietf-ipsecme-ikev2-mlkem.</summary>
    public static class KeyExchange
    {
        public const ushort None = 0;
        public const ushort Modp768 = 1;
        public const ushort Modp1024 = 2;
        public const ushort Modp1536 = 5;
        public const ushort Modp2048 = 14;
        public const ushort Modp3072 = 15;
        public const ushort Modp4096 = 16;
        public const ushort Modp6144 = 17;
        public const ushort Modp8192 = 18;
        public const ushort EcpP256 = 19;
        public const ushort EcpP384 = 20;
        public const ushort EcpP521 = 21;
        public const ushort Modp1024Subgroup160 = 22;
        public const ushort Modp2048Subgroup224 = 23;
        public const ushort Modp2048Subgroup256 = 24;
        public const ushort EcpP192 = 25;
        public const ushort EcpP224 = 26;
        public const ushort BrainpoolP256r1 = 28;
        public const ushort BrainpoolP384r1 = 29;
        public const ushort BrainpoolP512r1 = 30;
        public const ushort Curve25519 = 31;
        public const ushort Curve448 = 32;
        public const ushort MlKem512 = 35;
        public const ushort MlKem768 = 36;
        public const ushort MlKem1024 = 37;
    }

    /// <summary>RFC 7296 3.3.2.</summary>
    public static class Esn
    {
        public const ushort No = 0;
        public const ushort Yes = 1;
    }
}
