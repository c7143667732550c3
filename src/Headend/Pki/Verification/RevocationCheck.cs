using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Pki.Verification;

/// <summary>
/// Whether the certificates of a trusted path are revoked: by the lists of files, then by OCSP, then by lists that are fetched. What has been fetched and says of a
/// certificate that it is revoked is remembered until the issuer says something else later. Thread-safe.
/// </summary>
internal sealed class RevocationCheck(RevocationClient client, TimeProvider time, RevocationQueueLimits? limits = null)
{
    /// <summary>All fetches of one login together.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);

    /// <summary>However long a list or an answer says that it holds: by one that is older nobody is good. What is revoked today must not pass for a week.</summary>
    private static readonly TimeSpan LongestKept = TimeSpan.FromHours(1);

    /// <summary>A source that did not answer, answered nothing usable, or less than it did before, is left alone for so long.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);

    private const int MostSources = 32;
    private const int MostAnswers = 4096;

    /// <summary>URIs of one kind that are tried for one certificate.</summary>
    private const int MostTried = 2;

    private readonly RevocationCache<RevocationListSource> lists = new(MostSources, s => s.Lists.Count > 0, time);
    private readonly RevocationCache<Answered> answers = new(MostAnswers, a => a.Revoked is not null, time);
    private readonly RevocationQueue queue = new(limits ?? new RevocationQueueLimits());

    /// <summary>Logins that wait for fetches now.</summary>
    public int Waiting => queue.Waiters;

    /// <summary>
    /// The worst of all certificates below the authority: one that is revoked, else one whose status is unknown, else good. Anything may be fetched only because the
    /// path is trusted and its owner has proven the key.
    /// </summary>
    public async Task<RevocationAnswer> CheckAsync(CertificatePath path, CertificateTrust trust, IReadOnlyList<RevocationHost> hosts, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        var now = time.GetUtcNow();
        var worst = RevocationAnswer.Good(now, now);
        for (var i = 0; i + 1 < path.Certificates.Count; i++)
        {
            var answer = await CheckAsync(path.Certificates[i], path.Certificates[i + 1], trust, hosts, either.Token).ConfigureAwait(false);
            var which = $"serial {path.Certificates[i].SerialNumber} of {CertificateText.Printable(path.Certificates[i + 1].Subject)}";
            if (answer.Status == RevocationStatus.Revoked)
                return answer with { Detail = $"revoked ({answer.Detail}), {which}" };
            if (worst.Status == RevocationStatus.Good ? answer.Status != RevocationStatus.Good : answer.Status == RevocationStatus.Crowded)
                worst = answer with { Detail = $"status of {which} unknown: {answer.Detail}" };
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
        var crowded = false;
        try
        {
            foreach (var (uri, isResponder) in responders.Select(u => (u, true)).Concat(points.Select(u => (u, false))))
            {
                var asked = isResponder ? AskAsync(uri, certificate, issuer, cancellation) : AskListAsync(uri, certificate, issuer, cancellation);
                var answer = await asked.ConfigureAwait(false);

                // Good of before the certificate was revoked can be sent by anybody on the way, for as long as it is valid.
                if (answer.Status == RevocationStatus.Revoked
                    || (answer.Status == RevocationStatus.Good && !(KnownRevoked(certificate, issuer, responders, points) is { } known && known.Of >= answer.Of)))
                    return answer;
                crowded |= answer.Status == RevocationStatus.Crowded;
                complaints.Add(answer.Detail);
            }
        }
        catch (OperationCanceledException)
        {
            complaints.Add($"no answer within {Patience.TotalSeconds} s");
        }

        if (KnownRevoked(certificate, issuer, responders, points) is { } revoked)
            return revoked;
        var why = complaints.Count == 0 ? "there is no list of its issuer, and it names no source" : string.Join("; ", complaints);
        return crowded ? RevocationAnswer.Crowded(why) : RevocationAnswer.Unknown(why);
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
                return RevocationAnswer.Revoked($"by {file}", list.NextUpdate, list.ThisUpdate);
            if (list.WhyNotFor(certificate, issuer, now) is { } reason)
                complaints.Add($"{file}: {reason}");
            else
                good = RevocationAnswer.Good(list.NextUpdate, list.ThisUpdate);
        }

        return good;
    }

    /// <summary>The latest that was ever fetched from these sources by which it is revoked, whatever became of them since.</summary>
    private RevocationAnswer? KnownRevoked(X509Certificate2 certificate, X509Certificate2 issuer, List<Uri> responders, List<Uri> points)
    {
        var answered = responders.Select(u => answers.TryPeek(KeyOf(u, certificate, issuer), out var last) ? last.Revoked : null);
        var listed = points.Select(u => lists.TryPeek(KeyOf(u, issuer), out var source) ? source.Ask(certificate, issuer, NameOf(u), time.GetUtcNow()) : null);
        return answered.Concat(listed).Where(a => a is { Status: RevocationStatus.Revoked }).MaxBy(a => a!.Of);
    }

    private async Task<RevocationAnswer> AskListAsync(Uri uri, X509Certificate2 certificate, X509Certificate2 issuer, CancellationToken cancellation)
    {
        // As in AskAsync, both may be gone before the list is there.
        var (uris, authority) = (DistributionPoints.ListUris(certificate), issuer.RawData);
        var source = await ShareAsync(lists, KeyOf(uri, issuer), uri, former => FetchListAsync(uri, uris, authority, former), cancellation).ConfigureAwait(false);
        return source?.Ask(certificate, issuer, NameOf(uri), time.GetUtcNow()) ?? Crowded(uri);
    }

    private async Task<(RevocationListSource Value, DateTimeOffset Until)> FetchListAsync(Uri uri, IReadOnlyList<string> uris, byte[] authority, RevocationListSource? former)
    {
        var (octets, problem) = await client.GetListAsync(uri).ConfigureAwait(false);
        RevocationList? list = null;
        if (octets is not null && !RevocationList.TryRead(octets, out list, out problem))
            problem = $"{NameOf(uri)}: {problem}";
        var now = time.GetUtcNow();

        // Anything but a current list of the issuer is asked for again soon: a new one may be there any minute, and this one may have been put there by anybody on the way.
        using var issuer = X509CertificateLoader.LoadCertificate(authority);
        var (source, isNewest) = RevocationListSource.After(former, list, problem, NameOf(uri), issuer, uris, now);
        return (source, isNewest ? Earlier(list!.NextUpdate, now + LongestKept) : now + Rest);
    }

    private async Task<RevocationAnswer> AskAsync(Uri uri, X509Certificate2 certificate, X509Certificate2 issuer, CancellationToken cancellation)
    {
        // Certificates die with the login's path, which may be over before the answer is there.
        var (subject, authority) = (certificate.RawData, issuer.RawData);
        var answered = await ShareAsync(answers, KeyOf(uri, certificate, issuer), uri, former => FetchAnswerAsync(uri, subject, authority, former?.Revoked), cancellation)
            .ConfigureAwait(false);
        return answered?.Answer ?? Crowded(uri);
    }

    private async Task<(Answered Value, DateTimeOffset Until)> FetchAnswerAsync(Uri uri, byte[] subject, byte[] authority, RevocationAnswer? revoked)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(subject);
        using var issuer = X509CertificateLoader.LoadCertificate(authority);
        var nonce = RandomNumberGenerator.GetBytes(OcspCodec.NonceOctets);
        var (octets, problem) = await client.AskAsync(uri, OcspCodec.Encode(certificate, issuer, nonce)).ConfigureAwait(false);
        var now = time.GetUtcNow();
        var answer = octets is null ? RevocationAnswer.Unknown(problem) : OcspCodec.Decode(octets, certificate, issuer, nonce, now);
        if (answer.Status == RevocationStatus.Unknown || (answer.Status == RevocationStatus.Good && answer.Of <= revoked?.Of))
            return (new Answered(answer, revoked), now + Rest);
        if (answer.Status == RevocationStatus.Good)
            revoked = null;
        else if (!(answer.Of < revoked?.Of))
            revoked = answer;
        return (new Answered(answer, revoked), Earlier(answer.Until, now + LongestKept));
    }

    /// <summary>Waits for a fetch, which others may have begun; null when too many ask this host, or any, already.</summary>
    private async Task<T?> ShareAsync<T>(
        RevocationCache<T> cache, string key, Uri uri, Func<T?, Task<(T Value, DateTimeOffset Until)>> fetch, CancellationToken cancellation)
        where T : class
    {
        if (!cache.TryGet(key, () => queue.TryBeginFetch(uri), FetchAsync, out var fetched))
            return null;
        if (fetched.IsCompleted)
            return await fetched.ConfigureAwait(false);
        if (!queue.TryEnter(uri))
            return null;
        try
        {
            return await fetched.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            queue.Leave(uri);
        }

        async Task<(T Value, DateTimeOffset Until)> FetchAsync(T? former)
        {
            try
            {
                return await fetch(former).ConfigureAwait(false);
            }
            finally
            {
                queue.EndFetch(uri);
            }
        }
    }

    private static RevocationAnswer Crowded(Uri uri) => RevocationAnswer.Crowded($"{NameOf(uri)}: as many as may be ask its host, or wait for it, already");

    private static string KeyOf(Uri uri, X509Certificate2 issuer) => $"{uri} {Convert.ToHexString(SHA256.HashData(issuer.RawDataMemory.Span))}";

    private static string KeyOf(Uri uri, X509Certificate2 certificate, X509Certificate2 issuer) => $"{KeyOf(uri, issuer)} {certificate.SerialNumber}";

    private static string NameOf(Uri uri) => CertificateText.Printable(uri.ToString());

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

    /// <summary>What a responder says of one certificate.</summary>
    /// <param name="Answer">Its last answer, or why there is none.</param>
    /// <param name="Revoked">The last by which the certificate is revoked, until a later one says that it is good (as after certificateHold).</param>
    private sealed record Answered(RevocationAnswer Answer, RevocationAnswer? Revoked);
}
