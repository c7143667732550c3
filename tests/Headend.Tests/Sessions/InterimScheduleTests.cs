using System.Net;
using Headend.Aaa.Accounting;
using Headend.Aaa.Authentication;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Sessions;
using Headend.Store;
using Headend.Tests.Pki;

namespace Headend.Tests.Sessions;

public sealed class InterimScheduleTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly TemporaryDirectory directory = new();
    private readonly RadiusClient radius = new(new RadiusClientOptions(), TimeProvider.System);
    private readonly EmbeddedStore store;
    private readonly AccountingClient client;

    public InterimScheduleTests()
    {
        store = EmbeddedStore.Open(Path.Combine(directory.Path, "store.db"), Now);
        var group = radius.CreateGroup(new RadiusGroupOptions("acct", [new RadiusServerOptions("silent", IPAddress.Loopback, new RadiusSecret("secret-of-the-test"u8)) { AcctPort = 9 }]));
        client = new AccountingClient(radius, new EmbeddedAccountingSpool(store), [new AccountingListOptions("acct", [group])], TimeProvider.System);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await client.DisposeAsync();
        await radius.DisposeAsync();
        store.Dispose();
        directory.Dispose();
    }

    [Fact]
    public void A_session_that_is_over_is_not_held()
    {
        using var schedule = new InterimSchedule(TimeProvider.System, _ => default);
        ClientSession[] sessions = [.. Enumerable.Range(0, 100).Select(i => Session($"s{i}", TimeSpan.FromHours(24)))];
        foreach (var session in sessions) schedule.Add(session);
        foreach (var session in sessions) schedule.Add(session);
        Assert.Equal(100, schedule.Count);
        foreach (var session in sessions[..60]) schedule.Remove(session);
        schedule.Remove(sessions[0]);
        Assert.Equal(40, schedule.Count);
    }

    [Fact]
    public void Who_reports_nothing_or_has_its_Stop_has_no_turn()
    {
        using var schedule = new InterimSchedule(TimeProvider.System, _ => default);
        schedule.Add(Session("quiet", null));
        schedule.Add(TestSession.Create("without accounting"));
        var stopped = Session("stopped", TimeSpan.FromHours(1));
        stopped.Accounting!.Stop(Now, default, AcctTerminateCause.UserRequest);
        schedule.Add(stopped);
        Assert.Equal(0, schedule.Count);

        var changed = Session("changed", TimeSpan.FromHours(1));
        schedule.Add(changed);
        Assert.Equal(1, schedule.Count);
        Assert.True(changed.Accounting!.Change(SessionProfile.Empty, null));
        schedule.Add(changed);
        Assert.Equal(0, schedule.Count);
    }

    [Fact]
    public void Each_turn_reports_and_is_followed_by_the_next()
    {
        var reports = 0;
        using var schedule = new InterimSchedule(TimeProvider.System, _ => new TrafficCounters((ulong)Interlocked.Increment(ref reports), 0, 0, 0));
        var session = Session("talks", TimeSpan.FromMilliseconds(200));
        schedule.Add(session);
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref reports) >= 2, TimeSpan.FromSeconds(60)));
        // While its record is made it has none.
        Assert.True(SpinWait.SpinUntil(() => schedule.Count == 1, TimeSpan.FromSeconds(60)));
    }

    private ClientSession Session(string id, TimeSpan? interval)
    {
        var endpoint = new IPEndPoint(IPAddress.Parse("198.51.100.1"), 4500);
        var nas = new NasSessionRecord { UserName = id, AuditSessionId = id, AcctSessionId = id, NasPort = 1, RemoteEndpoint = endpoint, LocalEndpoint = endpoint };
        var session = TestSession.Create(id);
        session.Accounting = new SessionAccounting(new AccountingSession(nas, SessionProfile.Empty, [], AcctAuthentic.Radius, Now), client, "acct", interval, TimeProvider.System);
        return session;
    }
}
