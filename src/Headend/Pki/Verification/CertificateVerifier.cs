using System.Security.Cryptography;
using Headend.Ikev2;
using Headend.Runtime;

namespace Headend.Pki.Verification;

/// <summary>What somebody shows to prove who it is.</summary>
/// <param name="Chain">DER: its own certificate first, others in any order; at least one.</param>
/// <param name="Proof">That it has the key.</param>
/// <param name="Identity">What the certificate must bear; null asks for no name.</param>
internal sealed record CertificateClaim(IReadOnlyList<ReadOnlyMemory<byte>> Chain, CertificateProof Proof, IkeIdentity? Identity);

/// <summary>What a claim is worth.</summary>
/// <param name="Verdict">The judgement.</param>
/// <param name="Identity">Whose certificate it is; given exactly when accepted.</param>
/// <param name="Detail">Why not; when accepted, what was left open (a status that is unknown), or empty.</param>
internal sealed record CertificateOutcome(CertificateVerdict Verdict, CertificateIdentity? Identity, string Detail);

/// <summary>
/// Judges clients' certificates by a profile's policy, for IKE and for EAP methods that carry certificates alike. Arithmetic runs in the logins' queue of the
/// crypto workers, fetches on the thread pool; nothing on a shard. Path, usage, name and signature come before revocation, so that only the owner of a trusted
/// key makes the headend fetch anything. Thread-safe.
/// </summary>
internal sealed class CertificateVerifier(CryptoWorkers workers, RevocationClient client, TimeProvider time, RevocationQueueLimits? limits = null)
{
    private readonly RevocationCheck revocation = new(client, time, limits);

    /// <summary>Logins that wait for revocation now.</summary>
    public int Waiting => revocation.Waiting;

    public async ValueTask<CertificateOutcome> VerifyAsync(CertificateClaim claim, ClientCertificateBinding binding, CancellationToken cancellation)
    {
        var trust = binding.Trust;
        var judged = await workers.RunAsync(() => Judge(claim, binding, trust)).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using var path = judged.Path;
        var hasSource = trust.Lists.Count + binding.FetchHosts.Count > 0;
        if (judged.Path is null || binding.Revocation == RevocationMode.Off || (binding.Revocation == RevocationMode.IfAvailable && !hasSource))
            return judged.Outcome;
        return Conclude(judged.Outcome, await revocation.CheckAsync(judged.Path, trust, binding.FetchHosts, cancellation).ConfigureAwait(false), binding.Revocation);
    }

    private static CertificateOutcome Conclude(CertificateOutcome accepted, RevocationAnswer answer, RevocationMode mode) => answer.Status switch
    {
        RevocationStatus.Good => accepted,
        RevocationStatus.Revoked => new CertificateOutcome(CertificateVerdict.Refused, null, answer.Detail),
        RevocationStatus.Crowded => new CertificateOutcome(CertificateVerdict.StatusUnknown, null, answer.Detail),
        _ when mode == RevocationMode.Strict => new CertificateOutcome(CertificateVerdict.StatusUnknown, null, answer.Detail),
        _ => accepted with { Detail = answer.Detail },
    };

    // A path is given exactly with acceptance.
    private (CertificateOutcome Outcome, CertificatePath? Path) Judge(CertificateClaim claim, ClientCertificateBinding binding, CertificateTrust trust)
    {
        if (!CertificatePath.TryBuild(claim.Chain, trust, binding.UsageRequired, time.GetUtcNow(), out var path, out var refusal))
            return (new CertificateOutcome(CertificateVerdict.Refused, null, refusal), null);
        var outcome = Judge(claim, path);
        if (outcome.Verdict == CertificateVerdict.Accepted)
            return (outcome, path);
        path.Dispose();
        return (outcome, null);
    }

    private static CertificateOutcome Judge(CertificateClaim claim, CertificatePath path)
    {
        var who = $"certificate {CertificateText.Describe(path.Leaf)}";
        try
        {
            if (!CertificateIdentity.TryRead(path.Leaf, path.HasNameConstraints, out var identity, out var reason))
                return new CertificateOutcome(CertificateVerdict.Refused, null, $"{who}: {reason}");
            if (claim.Identity is { } claimed && (identity!.GoesBy = identity.NameOf(claimed)) is null)
                return new CertificateOutcome(CertificateVerdict.WrongIdentity, null, $"{who}: {claimed.Type} {claimed.Text} is no name of it");
            return claim.Proof.WhyNotBy(path.Leaf) is { } forged
                ? new CertificateOutcome(CertificateVerdict.BadSignature, null, $"{who}: {forged}")
                : new CertificateOutcome(CertificateVerdict.Accepted, identity, "");
        }
        catch (CryptographicException malformed)
        {
            return new CertificateOutcome(CertificateVerdict.Refused, null, $"{who}: it cannot be read: {CertificateText.Printable(malformed.Message)}");
        }
    }
}
