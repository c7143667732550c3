namespace Headend.Pki.Verification;

internal enum RevocationStatus
{
    Unknown,
    Good,
    Revoked,

    /// <summary>Unknown because too many ask already: whatever the mode, it lets nobody in. A crowd must not buy leniency.</summary>
    Crowded,
}

/// <summary>What one source says about one certificate.</summary>
/// <param name="Status">The answer.</param>
/// <param name="Detail">Why unknown, or where it is revoked.</param>
/// <param name="Until">When it is to be asked anew.</param>
/// <param name="Of">Its thisUpdate: of two answers the later one is true.</param>
internal sealed record RevocationAnswer(RevocationStatus Status, string Detail, DateTimeOffset Until, DateTimeOffset Of)
{
    public static RevocationAnswer Good(DateTimeOffset until, DateTimeOffset of) => new(RevocationStatus.Good, "", until, of);

    public static RevocationAnswer Revoked(string where, DateTimeOffset until, DateTimeOffset of) => new(RevocationStatus.Revoked, where, until, of);

    public static RevocationAnswer Unknown(string why) => new(RevocationStatus.Unknown, why, DateTimeOffset.MinValue, DateTimeOffset.MinValue);

    public static RevocationAnswer Crowded(string why) => new(RevocationStatus.Crowded, why, DateTimeOffset.MinValue, DateTimeOffset.MinValue);
}
