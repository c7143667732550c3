using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Runtime;
using Headend.Sessions;
using Headend.Telemetry;
using Headend.TestKit.Simulation;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Sessions;

/// <summary>The parts of a headend that a session meets between its logins.</summary>
internal static class TestServices
{
    /// <summary>A shard without profiles. It takes commands, and does nothing with what comes of them where a test does not.</summary>
    public static IkeShard Shard(MonotonicClock clock, Action<IkeEffect, IkeShard>? perform = null, int index = 0)
    {
        var endpoint = new IkeEndpoint(new IkeEndpointOptions { Shard = 0, ShardCount = 1, Profiles = [] }, new SystemCryptoProvider(), new RecordingObserver());
        return new IkeShard(index, endpoint, clock, new ShardMailboxLimits(), perform ?? ((_, _) => { }), () => true, NullLogger.Instance);
    }

    /// <summary>What sessions need that sleep, come back, are changed and end. Nobody can log in.</summary>
    public static SessionLifecycle Lifecycle(MonotonicClock clock, SessionTable table, KeptSessionTable kept) => new(new SessionServices
    {
        Clock = clock,
        Table = table,
        Kept = kept,
        Numbers = null!,
        Addressing = null!,
        Interfaces = new SessionInterfaces(null!, null!, clock, null!, null!, null!, null!, NullLogger.Instance),
        Authorizer = null!,
        Certificates = null!,
        Simultaneous = null!,
        Interims = null!,
        Reconnects = null!,
        Tickets = null!,
        Local = null!,
        ProfileObserver = null!,
        Radius = null,
        Accounting = null,
        Metrics = null!,
        LogLimits = new UnauthenticatedLogLimits(TimeProvider.System),
        Logger = NullLogger.Instance,
    });

    /// <summary>A sleep that begins now, of a session that has an hour left.</summary>
    public static SessionInactivity Sleep(MonotonicClock clock) => new()
    {
        Grant = SessionGrant.Empty,
        Since = clock.Now,
        Until = clock.Now + TimeSpan.FromHours(2),
        ExpiresAt = clock.Now + TimeSpan.FromHours(1),
        IdleAt = null,
    };
}
