using System.Net;

namespace Headend.Configuration;

/// <param name="Ports">UDP ports; each on every address.</param>
/// <param name="Addresses">Local addresses.</param>
/// <param name="EventTimestampWindow">How far an Event-Timestamp may lie from our clock.</param>
/// <param name="Clients">Who may send requests.</param>
internal sealed record DynamicAuthorOptions(
    IReadOnlyList<int> Ports, IReadOnlyList<IPAddress> Addresses, TimeSpan EventTimestampWindow, IReadOnlyList<DynamicAuthorClientOptions> Clients);

/// <param name="Address">One address or a prefix.</param>
/// <param name="Secret">Shared secret.</param>
/// <param name="RequireMessageAuthenticator">Discard requests without one.</param>
/// <param name="RequireEventTimestamp">Discard requests without one.</param>
internal sealed record DynamicAuthorClientOptions(IPNetwork Address, SecretOptions Secret, bool RequireMessageAuthenticator, bool RequireEventTimestamp);

/// <summary>How many sessions one authenticated identity may have.</summary>
/// <param name="Limit">Null for any number.</param>
/// <param name="Replaces">A further login ends the oldest session instead of being refused.</param>
internal sealed record UniqueOptions(int? Limit, bool Replaces)
{
    public static UniqueOptions Never { get; } = new(null, Replaces: false);
}
