using System.Collections.Immutable;
using Headend.Aaa.Authorization;

namespace Headend.Sessions;

/// <summary>What is to be changed on a standing interface.</summary>
/// <param name="Commands">Interface commands, in order.</param>
/// <param name="Filters">Its filters take the place of the standing ones, direction by direction; nothing else of it counts.</param>
/// <param name="RateUp">From the client, as it is to be; null for no limit.</param>
/// <param name="RateDown">To the client, likewise.</param>
internal sealed record InterfaceChange(ImmutableArray<string> Commands, SessionProfile Filters, RateLimit? RateUp, RateLimit? RateDown);

/// <summary>Why an interface was not changed; nothing of it was.</summary>
/// <param name="Detail">For the audit log.</param>
/// <param name="IsBadValue">A command is at fault, and not this machine.</param>
internal sealed record InterfaceChangeFailure(string Detail, bool IsBadValue)
{
    public static InterfaceChangeFailure Gone { get; } = new("the session is over", IsBadValue: false);
}
