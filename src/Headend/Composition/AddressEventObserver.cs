using System.Net;
using Headend.Aaa.Addresses;
using Headend.Sessions;
using Headend.Telemetry;
using Microsoft.Extensions.Logging;

namespace Headend.Composition;

/// <summary>What pools tell, as log lines. Every login could cause one, so they pass the limiter; the count is a metric of the pool itself.</summary>
internal sealed partial class AddressEventObserver(UnauthenticatedLogLimits limits, ILogger logger) : IAddressObserver, ILeaseObserver
{
    public void PoolExhausted(AddressPoolStatistics pool, string identity)
    {
        if (limits.TryAdmit(IPAddress.Any, $"pool-exhausted {pool.Name}", out var suppressed))
            LogExhausted(logger, pool.Name, identity, pool.Leased, pool.HeldDown, suppressed);
    }

    public void LeaseFailed(ClientSession session, string why)
    {
        if (!limits.TryAdmit(IPAddress.Any, "dhcp-lease-failed", out var suppressed))
            return;
        var user = session.User ?? session.IkeIdentity;
        LogLeaseFailed(logger, user, session.Names.AuditSessionId, why, suppressed);
    }

    public void LeaseLost(ClientSession session, string why)
    {
        var user = session.User ?? session.IkeIdentity;
        LogLeaseLost(logger, user, session.Names.AuditSessionId, why);
    }

    [LoggerMessage(EventId = 1406, EventName = "dhcp-lease-failed", Level = LogLevel.Warning, Message = "user={User} session={Session} suppressed={Suppressed}: {Why}")]
    private static partial void LogLeaseFailed(ILogger logger, string user, string session, string why, long suppressed);

    [LoggerMessage(EventId = 1407, EventName = "dhcp-lease-lost", Level = LogLevel.Warning, Message = "user={User} session={Session}: {Why}; the session ends")]
    private static partial void LogLeaseLost(ILogger logger, string user, string session, string why);

    [LoggerMessage(EventId = 1408, EventName = "pool-exhausted", Level = LogLevel.Warning,
        Message = "pool={Pool} user={User} inUse={InUse} heldDown={HeldDown} suppressed={Suppressed}: no address is free")]
    private static partial void LogExhausted(ILogger logger, string pool, string user, long inUse, long heldDown, long suppressed);
}
