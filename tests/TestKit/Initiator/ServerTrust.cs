using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.TestKit.Initiator;

/// <summary>
/// Verifies the responder's certificates and keeps the verdict by the leaf's octets, since a load tool meets the same one thousands of times.
/// Thread-safe; keys are verified with from several threads, which .NET on OpenSSL allows.
/// </summary>
public sealed class ServerTrust
{
    private readonly ConcurrentDictionary<Fingerprint, ServerVerdict> _known = new();
    private readonly X509Certificate2Collection? _roots;

    private ServerTrust(X509Certificate2Collection? roots) => _roots = roots;

    /// <summary>Takes any certificate; only its signature counts.</summary>
    public static ServerTrust Any { get; } = new(null);

    /// <summary>Chains must end in one of these; revocation is not asked for.</summary>
    public static ServerTrust In(X509Certificate2Collection roots) => new(roots);

    /// <param name="chain">DER, leaf first.</param>
    internal ServerVerdict Judge(IReadOnlyList<ReadOnlyMemory<byte>> chain)
    {
        if (chain.Count == 0)
            return new ServerVerdict(null, "the responder sent no certificate");
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(chain[0].Span, hash);
        var key = new Fingerprint(new UInt128(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash[8..])));
        return _known.TryGetValue(key, out var verdict) ? verdict : _known.GetOrAdd(key, Verify(chain));
    }

    private ServerVerdict Verify(IReadOnlyList<ReadOnlyMemory<byte>> chain)
    {
        X509Certificate2 leaf;
        try
        {
            leaf = X509CertificateLoader.LoadCertificate(chain[0].Span);
        }
        catch (CryptographicException)
        {
            return new ServerVerdict(null, "the responder's certificate does not parse");
        }

        using (leaf)
        {
            if (_roots is not null && WhyNot(leaf, chain) is { } refusal)
                return new ServerVerdict(null, refusal);
            var key = leaf.GetRSAPublicKey() ?? (AsymmetricAlgorithm?)leaf.GetECDsaPublicKey();
            return key is null ? new ServerVerdict(null, "the certificate's key is neither RSA nor ECDSA") : new ServerVerdict(key, null);
        }
    }

    private string? WhyNot(X509Certificate2 leaf, IReadOnlyList<ReadOnlyMemory<byte>> chain)
    {
        using var builder = new X509Chain();
        builder.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        builder.ChainPolicy.CustomTrustStore.AddRange(_roots!);
        builder.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        for (var i = 1; i < chain.Count; i++)
            builder.ChainPolicy.ExtraStore.Add(X509CertificateLoader.LoadCertificate(chain[i].Span));
        if (builder.Build(leaf))
            return null;
        return string.Join(", ", builder.ChainStatus.Select(s => s.StatusInformation.Trim()));
    }

    private readonly record struct Fingerprint(UInt128 Value);
}

/// <summary>Exactly one of the two is set.</summary>
internal sealed record ServerVerdict(AsymmetricAlgorithm? Key, string? Refusal);
