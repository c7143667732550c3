using System.Collections.Immutable;

namespace Headend.Aaa.Authorization;

/// <summary>What fetching a downloadable access list came to.</summary>
/// <param name="Entries">Its lines in order, at least one; empty when it could not be fetched.</param>
/// <param name="Failure">Why not; null when it was.</param>
/// <param name="IsUnavailable">True where no server answered.</param>
public sealed record AccessListDownload(ImmutableArray<string> Entries, string? Failure, bool IsUnavailable)
{
    /// <summary>True where the request does not fit into RADIUS: no server was asked.</summary>
    public bool IsUnsendable { get; init; }

    internal static AccessListDownload Failed(string why, bool unavailable = false) => new([], why, unavailable);
}
