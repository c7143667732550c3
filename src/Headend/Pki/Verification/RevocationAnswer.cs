namespace Headend.Pki.Verification;

internal enum RevocationStatus
{
    Unknown,
    Good,
    Revoked,
}

/// <summary>What one source says about one certificate.</summary>
/// <param name="Status">The answer.</param>
/// <param name="Detail">Why unknown, or where it is revoked.</param>
/// <param name="Until">When it is to be asked anew.</param>
internal sealed record RevocationAnswer(RevocationStatus Status, string Detail, DateTimeOffset Until)
{
    public static RevocationAnswer Good(DateTimeOffset until) => new(RevocationStatus.Good, "", until);

    public static RevocationAnswer Revoked(string where, DateTimeOffset until) => new(RevocationStatus.Revoked, where, until);

    public static RevocationAnswer Unknown(string why) => new(RevocationStatus.Unknown, why, DateTimeOffset.MinValue);
}
