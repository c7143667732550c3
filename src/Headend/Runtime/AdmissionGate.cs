namespace Headend.Runtime;

/// <summary>Most work that logins may have waiting before no new one begins.</summary>
internal sealed record AdmissionGateLimits
{
    /// <summary>Signatures and key agreements that wait for a thread.</summary>
    public int CryptoBacklog { get; init; } = 32;

    /// <summary>Requests to AAA servers that have no answer yet. Above what a slow server with people behind it needs, below what drowns it.</summary>
    public int AaaInFlight { get; init; } = 4096;
}

/// <summary>
/// Keeps a flood of logins from starving those that have begun: new IKE_SA_INIT requests wait (and are dropped when their short queue is full; clients come again)
/// while the work of earlier logins is piled up. So the rate of completed logins stays at the machine's best whatever is offered.
/// </summary>
internal sealed class AdmissionGate(AdmissionGateLimits limits, Func<int> cryptoBacklog, Func<int> aaaInFlight)
{
    public bool IsOpen() => cryptoBacklog() < limits.CryptoBacklog && aaaInFlight() < limits.AaaInFlight;
}
