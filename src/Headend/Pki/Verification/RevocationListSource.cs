using System.Security.Cryptography.X509Certificates;

namespace Headend.Pki.Verification;

/// <summary>
/// What a distribution point has given so far: of each scope the newest list that the issuer has signed. Neither a source that is silent nor one that gives an older
/// list again makes anything forgotten, whether an expired list or not. Immutable.
/// </summary>
/// <param name="Lists">By one issuer, the newest first.</param>
/// <param name="Confirmed">Scope of what was fetched last, when that was current and by the issuer; null when it was not. Only by a list of this scope anybody is good.</param>
/// <param name="Problem">Why it is null, or empty.</param>
internal sealed record RevocationListSource(IReadOnlyList<RevocationList> Lists, string? Confirmed, string Problem)
{
    /// <summary>
    /// One, in practice. Several where lists of other distribution points, or of a date to come, are served in place of the right one; more than so many would be for whoever
    /// is on the way to choose.
    /// </summary>
    private const int MostLists = 3;

    /// <summary>The source after a fetch, and whether it brought the newest list there is.</summary>
    /// <param name="former">What was known before.</param>
    /// <param name="fetched">Null when nothing was, or nothing that is a list.</param>
    /// <param name="problem">Why it is null.</param>
    /// <param name="name">Of the source, for the log.</param>
    /// <param name="issuer">Who must have signed.</param>
    /// <param name="uris">Distribution points of the certificate that is asked for: lists of these, and those of none, are the last to go.</param>
    /// <param name="now">For dates.</param>
    public static (RevocationListSource Source, bool IsNewest) After(
        RevocationListSource? former, RevocationList? fetched, string problem, string name, X509Certificate2 issuer, IReadOnlyList<string> uris, DateTimeOffset now)
    {
        var held = former?.Lists ?? [];
        var reason = fetched?.WhyNotOf(issuer, now) is { } wrong ? $"{name}: {wrong}" : null;
        if (fetched is null || !fetched.IsBy(issuer))
            return (new RevocationListSource(held, null, reason ?? problem), false);

        // A list of a date to come is no newer one: by it nobody is good yet, and the next may well have a date before it.
        var newest = held.Prepend(fetched).GroupBy(l => (l.Scope, l.IsEarly(now))).Select(g => g.MaxBy(l => (l.ThisUpdate, l.Number))!);
        var kept = newest.OrderByDescending(l => l.IsOfAny(uris)).ThenByDescending(l => l.ThisUpdate).Take(MostLists).OrderByDescending(l => l.ThisUpdate).ToList();
        return (new RevocationListSource(kept, reason is null ? fetched.Scope : null, reason ?? ""), reason is null && kept.Contains(fetched));
    }

    /// <summary>
    /// What the lists say together. Who is on one of them is revoked, whatever its dates and scope are, unless a later one that is about the certificate leaves it out: so comes off a
    /// list who was on hold (RFC 5280 5.3.1; removeFromCRL is of delta lists only, which are not used).
    /// </summary>
    public RevocationAnswer Ask(X509Certificate2 certificate, X509Certificate2 issuer, string name, DateTimeOffset now)
    {
        var why = Problem;
        foreach (var list in Lists)
        {
            if (list.Revokes(certificate, issuer))
                return RevocationAnswer.Revoked($"by {name}", list.NextUpdate, list.ThisUpdate);
            var reason = list.WhyNotFor(certificate, issuer, now);
            if (reason is null && list.Scope == Confirmed)
                return RevocationAnswer.Good(list.NextUpdate, list.ThisUpdate);
            if (why.Length == 0)
                why = $"{name}: {reason ?? "it gives a list of another scope than before"}";
            if (list.IsAbout(certificate) && !list.IsEarly(now))
                break;
        }

        return RevocationAnswer.Unknown(why);
    }
}
