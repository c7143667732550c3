using System.Net;
using Headend.Aaa.Addresses;
using Headend.Sessions;
using Headend.Telemetry;
using Microsoft.Extensions.Logging;

namespace Headend.Composition;

/// <summary>What pools tell, as log lines. Every login could cause one, so they pass the limiter; the count is a metric of the pool itself.</summary>
internal sealed partial class AddressEventObserver(UnauthenticatedLogLimits limits, ILogger logger) : IAddressObserver
{
    public void PoolExhausted(AddressPoolStatistics pool, string identity)
    {
        if (limits.TryAdmit(IPAddress.Any, $"pool-exhausted {pool.Name}", out var suppressed))
            LogExhausted(logger, pool.Name, identity, pool.Leased, pool.HeldDown, suppressed);
    }

    [LoggerMessage(EventId = 1401, EventName = "pool-exhausted", Level = LogLevel.Warning,
        Message = "pool={Pool} user={User} inUse={InUse} heldDown={HeldDown} suppressed={Suppressed}: no address is free")]
    private static partial void LogExhausted(ILogger logger, string pool, string user, long inUse, long heldDown, long suppressed);
}
