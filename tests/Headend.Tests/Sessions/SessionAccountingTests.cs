using System.Net;
using Headend.Aaa.Accounting;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Ikev2;
using Headend.Runtime;
using Headend.Sessions;
using Headend.Store;
using Headend.Tests.Pki;
using RemoteMethod = Headend.Configuration.RemoteMethod;

namespace Headend.Tests.Sessions;

/// <summary>When a session has accounting, and when it reports.</summary>
public sealed class SessionAccountingTests : IAsyncLifetime
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(100);

    private static readonly ProfileBinding Binding = TestSession.Binding with
    {
        Accounting = new Dictionary<RemoteMethod, AccountingBinding> { [RemoteMethod.PreSharedKey] = new("acct", Interval) },
    };

    private readonly TemporaryDirectory directory = new();
    private readonly RadiusClient radius = new(new RadiusClientOptions(), TimeProvider.System);
    private readonly DropObserver observer = new();
    private readonly EmbeddedStore store;
    private readonly AccountingClient client;
    private readonly SessionParts parts;
    private readonly IkeShard shard;

    public SessionAccountingTests()
    {
        store = EmbeddedStore.Open(directory.File("store.db"), DateTimeOffset.UtcNow);
        var group = radius.CreateGroup(new RadiusGroupOptions("acct", [new RadiusServerOptions("silent", IPAddress.Loopback, new RadiusSecret("secret-of-the-test"u8)) { AcctPort = 9 }]));
        client = new AccountingClient(radius, new EmbeddedAccountingSpool(store), [new AccountingListOptions("acct", [group])], TimeProvider.System, observer: observer);
        parts = new SessionParts(client);
        shard = parts.Shard();
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        parts.Dispose();
        await client.DisposeAsync();
        await radius.DisposeAsync();
        store.Dispose();
        directory.Dispose();
    }

    /// <summary>Timers look for accounting on their own threads: what is there stays, so that it is not there before the Start was taken.</summary>
    [Fact]
    public void A_session_whose_Start_does_not_fit_has_no_accounting_not_even_meanwhile()
    {
        var session = parts.Up(shard, Binding);
        session.Profile = SessionProfile.Empty with { ChargeableUserIdentity = new byte[300] };
        var (drops, hadAccounting) = (0, false);
        observer.Hook = () =>
        {
            drops++;
            hadAccounting |= session.Accounting is not null;
        };
        parts.Install(session);
        Assert.Equal(1, drops);
        Assert.False(hadAccounting);
        Assert.Null(session.Accounting);
    }

    /// <summary>Kept by a process without an accounting list, or before its Start.</summary>
    [Fact]
    public void Accounting_that_begins_when_the_client_comes_back_has_its_Interim_Updates()
    {
        var session = parts.Up(shard, Binding);
        var login = parts.Login(shard, Binding);
        parts.Sleep(session);
        Assert.True(session.TryReturn(login, out var former, out _));
        parts.Table.Move(session, former);
        parts.Install(session);
        Assert.NotNull(session.Accounting);
        Assert.Equal(0, parts.Interims.Count);
        parts.ComeUp(session, SessionGrant.Empty);
        Assert.Equal(1, parts.Interims.Count);
    }

    [Fact]
    public void Who_comes_back_before_each_turn_reports_all_the_same()
    {
        var reports = 0;
        using var schedule = new InterimSchedule(parts.Time, _ => new TrafficCounters((ulong)++reports, 0, 0, 0));
        var session = parts.Up(shard, Binding);
        parts.Install(session);
        schedule.Begin(session);
        parts.Time.Advance(Interval * 0.8);
        schedule.Begin(session);
        Assert.Equal(0, reports);
        parts.Time.Advance(Interval * 0.3);
        Assert.Equal(1, reports);
    }

    [Fact]
    public void An_interval_that_the_login_brings_counts_from_then_on()
    {
        var reports = 0;
        using var schedule = new InterimSchedule(parts.Time, _ => new TrafficCounters((ulong)++reports, 0, 0, 0));
        var session = parts.Up(shard, Binding);
        parts.Install(session);
        schedule.Begin(session);
        Assert.True(session.Accounting!.Change(session.Profile, Interval / 10));
        schedule.Begin(session);
        parts.Time.Advance(Interval / 5);
        Assert.Equal(1, reports);
    }

    private sealed class DropObserver : IAccountingObserver
    {
        public Action? Hook { get; set; }

        public void Dropped(SpooledRecord record, string reason) => Hook?.Invoke();
    }
}
