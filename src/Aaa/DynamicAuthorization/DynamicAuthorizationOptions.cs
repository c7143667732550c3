using System.Net;
using Headend.Aaa.Radius;

namespace Headend.Aaa.DynamicAuthorization;

/// <summary>Who may send Disconnect- and CoA-Requests: the sources within <paramref name="Address"/>, with this secret.</summary>
/// <param name="Address">One address or a prefix; of several that hold a source the longest counts.</param>
/// <param name="Secret">Shared with them; outlives the server.</param>
public sealed record DynamicAuthorizationClientOptions(IPNetwork Address, RadiusSecret Secret)
{
    /// <summary>A request without Message-Authenticator is discarded.</summary>
    public bool RequireMessageAuthenticator { get; init; } = true;

    /// <summary>A request without Event-Timestamp is discarded; one that is present is always checked.</summary>
    public bool RequireEventTimestamp { get; init; }
}

/// <summary>Limits of a dynamic authorization server.</summary>
public sealed record DynamicAuthorizationOptions
{
    public required IReadOnlyList<DynamicAuthorizationClientOptions> Clients { get; init; }

    /// <summary>How far an Event-Timestamp may lie from our clock, either way. 300 s is what RFC 5176 6.3 recommends.</summary>
    public TimeSpan EventTimestampWindow { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Answers kept for repeated requests; beyond it the oldest go.</summary>
    public int MaximumReplies { get; init; } = 65_536;

    /// <summary>Requests being performed at a time; more are refused with 506.</summary>
    public int MaximumInProgress { get; init; } = 1024;
}
