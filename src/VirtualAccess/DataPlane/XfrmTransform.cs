using System.Diagnostics.CodeAnalysis;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>The algorithms of one direction under the names of the kernel's crypto API, with their keys. The keys are whoever's who made it.</summary>
internal sealed record XfrmTransform
{
    public required string EncryptionName { get; init; }

    /// <summary>Salt or nonce at the end where the algorithm has one.</summary>
    public required ReadOnlyMemory<byte> EncryptionKey { get; init; }

    public required bool IsAead { get; init; }

    public string IntegrityName { get; init; } = "";

    public ReadOnlyMemory<byte> IntegrityKey { get; init; }

    public required int IcvBits { get; init; }

    public bool IsEsn { get; init; }

    public bool IsTransportMode { get; init; }

    /// <summary>Finds the kernel's names; false where the kernel has none for the algorithm.</summary>
    public static bool TryTranslate(EspAlgorithm algorithm, EspKeys keys, [NotNullWhen(true)] out XfrmTransform? transform)
    {
        transform = null;
        var (encryption, isAead) = EncryptionOf(algorithm.EncryptionId);
        var integrity = IntegrityOf(algorithm.IntegrityId);
        if (encryption is null || (!isAead && integrity is null)) return false;
        transform = new XfrmTransform
        {
            EncryptionName = encryption,
            EncryptionKey = keys.Encryption,
            IsAead = isAead,
            IntegrityName = integrity ?? "",
            IntegrityKey = keys.Integrity,
            IcvBits = algorithm.IcvLength * 8,
        };
        return true;
    }

    /// <summary>By IANA transform type 1.</summary>
    private static (string? Name, bool IsAead) EncryptionOf(ushort id) => id switch
    {
        3 => ("cbc(des3_ede)", false),
        11 => ("ecb(cipher_null)", false),
        12 => ("cbc(aes)", false),
        13 => ("rfc3686(ctr(aes))", false),
        14 or 15 or 16 => ("rfc4309(ccm(aes))", true),
        18 or 19 or 20 => ("rfc4106(gcm(aes))", true),
        21 => ("rfc4543(gcm(aes))", true),
        28 => ("rfc7539esp(chacha20,poly1305)", true),
        _ => (null, false),
    };

    /// <summary>By IANA transform type 3.</summary>
    private static string? IntegrityOf(ushort id) => id switch
    {
        1 => "hmac(md5)",
        2 => "hmac(sha1)",
        5 => "xcbc(aes)",
        8 => "cmac(aes)",
        12 => "hmac(sha256)",
        13 => "hmac(sha384)",
        14 => "hmac(sha512)",
        _ => null,
    };
}
