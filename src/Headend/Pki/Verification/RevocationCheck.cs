using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Pki.Verification;

/// <summary>Whether the certificates of a trusted path are revoked: by the lists of files, then by OCSP, then by lists that are fetched. Thread-safe.</summary>
internal sealed class RevocationCheck(RevocationClient client, TimeProvider time)
{
    /// <summary>All fetches of one login together.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);

    /// <summary>However long a list or an answer says that it holds: what is revoked today must not pass for a week.</summary>
    private static readonly TimeSpan LongestKept = TimeSpan.FromHours(1);

    /// <summary>A source that did not answer, or answered nothing usable, is left alone for so long.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);

    private const int MostLists = 32;
    private const int MostAnswers = 4096;

    /// <summary>URIs of one kind that are tried for one certificate.</summary>
    private const int MostTried = 2;

    private readonly RevocationCache<(RevocationList? List, string Problem)> lists = new(MostLists, time);
    private readonly RevocationCache<RevocationAnswer> answers = new(MostAnswers, time);

    /// <summary>
    /// The worst of all certificates below the authority: one that is revoked, else one whose status is unknown, else good. Anything may be fetched only because the
    /// path is trusted and its owner has proven the key.
    /// </summary>
    public async Task<RevocationAnswer> CheckAsync(CertificatePath path, CertificateTrust trust, IReadOnlyList<RevocationHost> hosts, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        var worst = RevocationAnswer.Good(time.GetUtcNow());
        for (var i = 0; i + 1 < path.Certificates.Count; i++)
        {
            var answer = await CheckAsync(path.Certificates[i], path.Certificates[i + 1], trust, hosts, patience.Token).ConfigureAwait(false);
            if (answer.Status == RevocationStatus.Revoked)
                return answer with { Detail = $"revoked ({answer.Detail}), serial {path.Certificates[i].SerialNumber} of {CertificateText.Printable(path.Certificates[i + 1].Subject)}" };
            if (answer.Status == RevocationStatus.Unknown && worst.Status == RevocationStatus.Good)
                worst = answer with { Detail = $"status of serial {path.Certificates[i].SerialNumber} of {CertificateText.Printable(path.Certificates[i + 1].Subject)} unknown: {answer.Detail}" };
        }

        return worst;
    }

    private async Task<RevocationAnswer> CheckAsync(
        X509Certificate2 certificate, X509Certificate2 issuer, CertificateTrust trust, IReadOnlyList<RevocationHost> hosts, CancellationToken cancellation)
    {
        var complaints = new List<string>();
        if (AskFiles(certificate, issuer, trust, complaints) is { } filed)
            return filed;
        var responders = Allowed(DistributionPoints.ResponderUris(certificate), hosts, "OCSP responder", complaints);
        var points = Allowed(DistributionPoints.ListUris(certificate), hosts, "distribution point", complaints);
        try
        {
            foreach (var uri in responders)
            {
                var answer = await AskAsync(uri, certificate, issuer).WaitAsync(cancellation).ConfigureAwait(false);
                if (answer.Status != RevocationStatus.Unknown)
                    return answer;
                complaints.Add(answer.Detail);
            }

            foreach (var uri in points)
            {
                if (await AskListAsync(uri, certificate, issuer, complaints, cancellation).ConfigureAwait(false) is { } answer)
                    return answer;
            }
        }
        catch (OperationCanceledException)
        {
            complaints.Add($"no answer within {Patience.TotalSeconds} s");
        }

        return RevocationAnswer.Unknown(complaints.Count == 0 ? "there is no list of its issuer, and it names no source" : string.Join("; ", complaints));
    }

    private RevocationAnswer? AskFiles(X509Certificate2 certificate, X509Certificate2 issuer, CertificateTrust trust, List<string> complaints)
    {
        var now = time.GetUtcNow();
        RevocationAnswer? good = null;
        foreach (var (file, list) in trust.Lists)
        {
            if (!list.Issuer.Span.SequenceEqual(issuer.SubjectName.RawData))
                continue;
            if (list.Revokes(certificate, issuer))
                return RevocationAnswer.Revoked($"by {file}", list.NextUpdate);
            if (list.WhyNotFor(certificate, issuer, now) is { } reason)
                complaints.Add($"{file}: {reason}");
            else
                good = RevocationAnswer.Good(list.NextUpdate);
        }

        return good;
    }

    private async Task<RevocationAnswer?> AskListAsync(
        Uri uri, X509Certificate2 certificate, X509Certificate2 issuer, List<string> complaints, CancellationToken cancellation)
    {
        var key = $"{uri} {Convert.ToHexString(SHA256.HashData(issuer.RawDataMemory.Span))}";
        // As in AskAsync, the issuer may be gone before the list is there.
        var authority = issuer.RawData;
        var (list, problem) = await lists.GetAsync(key, () => FetchListAsync(uri, authority)).WaitAsync(cancellation).ConfigureAwait(false);
        if (list is not null && list.Revokes(certificate, issuer))
            return RevocationAnswer.Revoked($"by {uri}", list.NextUpdate);
        if ((list is null ? problem : list.WhyNotFor(certificate, issuer, time.GetUtcNow())) is { } complaint)
        {
            complaints.Add(complaint);
            return null;
        }

        return RevocationAnswer.Good(list!.NextUpdate);
    }

    private async Task<((RevocationList? List, string Problem) Value, DateTimeOffset Until)> FetchListAsync(Uri uri, byte[] authority)
    {
        var (octets, problem) = await client.GetListAsync(uri).ConfigureAwait(false);
        RevocationList? list = null;
        if (octets is not null && !RevocationList.TryRead(octets, out list, out problem))
            problem = $"{uri}: {problem}";
        var now = time.GetUtcNow();

        if (list is null)
            return ((null, problem), now + Rest);

        // An expired list is asked for again soon, as a new one may be there any minute, and so is one that anybody on the way may have put there.
        using var issuer = X509CertificateLoader.LoadCertificate(authority);
        return ((list, problem), list.WhyNotOf(issuer, now) is null ? Earlier(list.NextUpdate, now + LongestKept) : now + Rest);
    }

    private Task<RevocationAnswer> AskAsync(Uri uri, X509Certificate2 certificate, X509Certificate2 issuer)
    {
        var key = $"{uri} {Convert.ToHexString(SHA256.HashData(issuer.RawDataMemory.Span))} {certificate.SerialNumber}";
        // Certificates die with the login's path, which may be over before the answer is there.
        var (subject, authority) = (certificate.RawData, issuer.RawData);
        return answers.GetAsync(key, () => FetchAnswerAsync(uri, subject, authority));
    }

    private async Task<(RevocationAnswer Value, DateTimeOffset Until)> FetchAnswerAsync(Uri uri, byte[] subject, byte[] authority)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(subject);
        using var issuer = X509CertificateLoader.LoadCertificate(authority);
        var nonce = RandomNumberGenerator.GetBytes(OcspCodec.NonceOctets);
        var (octets, problem) = await client.AskAsync(uri, OcspCodec.Encode(certificate, issuer, nonce)).ConfigureAwait(false);
        var now = time.GetUtcNow();
        var answer = octets is null ? RevocationAnswer.Unknown(problem) : OcspCodec.Decode(octets, certificate, issuer, nonce, now);
        return (answer, answer.Status == RevocationStatus.Unknown ? now + Rest : Earlier(answer.Until, now + LongestKept));
    }

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private static List<Uri> Allowed(IReadOnlyList<string> uris, IReadOnlyList<RevocationHost> hosts, string what, List<string> complaints)
    {
        var allowed = new List<Uri>();
        foreach (var text in uris)
        {
            if (!RevocationHost.TryAllow(text, hosts, out var uri))
                complaints.Add($"its {what} {CertificateText.Printable(text)} is on none of fetch-hosts");
            else if (allowed.Count < MostTried)
                allowed.Add(uri);
        }

        return allowed;
    }
}
