using Headend.Aaa.Accounting;
using Headend.Composition;
using Headend.Runtime;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Runtime;

/// <summary>Accounting of the whole headend while no RADIUS server answers: what is on disk when, and what the next start makes of it.</summary>
[Collection("one meter")]
public sealed class AccountingHostTests : IAsyncLifetime
{
    private readonly LiveHeadend headend = new();

    public Task InitializeAsync() => headend.StartAsync(Configuration());

    public async Task DisposeAsync() => await headend.DisposeAsync();

    [Fact]
    public async Task A_session_that_a_crash_cut_off_gets_its_stop_at_the_next_start()
    {
        using var client = headend.Client("alice", "wonderland");
        client.MustLogIn();
        var acctSessionId = Assert.Single(await headend.SessionsAsync()).AcctSessionId!;
        // The client has heard that it is connected: what a kill left at this moment already tells of it.
        headend.CopyState("crashed");
        var shown = await headend.Backend.GetAccountingAsync(CancellationToken.None);
        Assert.Equal((2, 1, "ok", Path.Combine(headend.State, StoreComposition.FileName)), (shown.Waiting, shown.OpenSessions, shown.State, shown.File));
        // The store is locked: a second headend on this state directory is told so, and takes nothing.
        var configuration = headend.Load();
        configuration = configuration with
        {
            Listen = configuration.Listen with { IkePort = LiveHeadend.FreePort(), NatTraversalPort = LiveHeadend.FreePort() },
            AdminSocket = headend.Directory.File("b.sock"),
        };
        var error = await Assert.ThrowsAsync<HeadendStartException>(
            () => HeadendHost.StartAsync(configuration, NullLoggerFactory.Instance, TimeProvider.System, TimeSpan.Zero, CancellationToken.None));
        Assert.Contains("another headend", error.Message, StringComparison.Ordinal);
        await headend.DropAsync();

        var left = headend.Spool("crashed");
        Assert.Equal(acctSessionId, Assert.Single(left.OpenSessions).SessionId);
        Assert.Equal([AcctStatusType.AccountingOn, AcctStatusType.Start], left.Records.Select(r => r.Status));

        await headend.StartAsync();
        shown = await headend.Backend.GetAccountingAsync(CancellationToken.None);
        Assert.Equal((1, 0), (shown.RecoveredSessions, shown.OpenSessions));
        using var again = headend.Client("alice", "wonderland");
        again.MustLogIn();
        Assert.NotEqual(acctSessionId, Assert.Single(await headend.SessionsAsync()).AcctSessionId);

        var records = await headend.RecordsAsync();
        Assert.Equal(
            [AcctStatusType.AccountingOn, AcctStatusType.Start, AcctStatusType.Stop, AcctStatusType.AccountingOn, AcctStatusType.Start, AcctStatusType.Stop, AcctStatusType.AccountingOff],
            records.Select(r => r.Status));
        Assert.Equal([acctSessionId, acctSessionId], records.Skip(1).Take(2).Select(r => r.SessionId));
    }

    private static string Configuration() => $$"""
        store: { kind: embedded }
        {{HostYaml.Nobody()}}
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          accounting: [ { name: acct-list, methods: [group corp] } ]
          local-users: [ { name: alice, password: wonderland } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
        {{HostYaml.UserProfile("staff", "any", "accounting-list: acct-list")}}
        """;
}
