using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Headend.Aaa.Accounting;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Aaa.Tests.Authentication;
using Headend.Aaa.Tests.Client;

namespace Headend.Aaa.Tests.Accounting;

/// <summary>A RADIUS server on the loopback that notes what it was asked, a virtual clock, and an accounting client in between.</summary>
internal sealed class AccountingFixture : IAsyncDisposable, IAccountingObserver
{
    private readonly List<FakeRadiusServer> servers = [];
    private readonly ConcurrentQueue<RadiusPacket> seen = new();

    public AccountingFixture(int groups = 1)
    {
        Radius = new RadiusClient(new RadiusClientOptions { Jitter = 0 }, Time);
        for (var i = 0; i < groups; i++)
        {
            var server = new FakeRadiusServer($"acct{i}") { Answer = _ => [] };
            server.Options = server.Options with { Retransmit = 0 };
            servers.Add(server);
            Groups.Add(Radius.CreateGroup(new RadiusGroupOptions($"group{i}", [server.Options])));
        }
    }

    public ManualTimeProvider Time { get; } = new();

    public RadiusClient Radius { get; }

    public List<RadiusServerGroup> Groups { get; } = [];

    public AccountingClient Client { get; private set; } = null!;

    /// <summary>Records that a server acknowledged, in its order: session and status.</summary>
    public ConcurrentQueue<(string Session, uint Status)> Acknowledged { get; } = new();

    /// <summary>Requests that came in, answered or not.</summary>
    public IReadOnlyList<RadiusPacket> Seen => [.. seen];

    public ConcurrentQueue<string> Events { get; } = new();

    public AccountingClient Open(IAccountingSpool spool, AccountingLimits? limits = null, TimeSpan? endSessionsAfter = null, IEnumerable<string>? continuing = null)
    {
        Client = new AccountingClient(
            Radius, spool, [new AccountingListOptions("acct", Groups) { EndSessionsAfter = endSessionsAfter }], Time, limits, this, continuing?.ToHashSet());
        Client.Start();
        return Client;
    }

    /// <summary>The server acknowledges what <paramref name="which"/> says, and only notes the rest.</summary>
    public void Acknowledge(Func<RadiusPacket, bool>? which = null, int server = 0) => servers[server].Answer = request =>
    {
        // The client's own probes (Status-Server) are no records.
        if (request.Code != RadiusCode.AccountingRequest) return [];
        seen.Enqueue(request);
        if (which?.Invoke(request) == false) return [];
        Acknowledged.Enqueue((Text(request, RadiusAttributeType.AcctSessionId), Number(request, RadiusAttributeType.AcctStatusType)));
        return [Wire.Reply(request, RadiusCode.AccountingResponse, FakeRadiusServer.Secret, false)];
    };

    public void Silence(int server = 0) => Acknowledge(_ => false, server);

    public AccountingSession Session(string id, string? user = null) => new(
        AccessRequestTests.Session with { AcctSessionId = id }, SessionProfile.Empty with { UserName = user ?? "alice" }, [IPAddress.Parse("10.99.0.7")],
        AcctAuthentic.Radius, Time.GetUtcNow());

    /// <summary>Lets the virtual clock run until the condition holds; sockets and the writer's thread have their own time.</summary>
    public async Task Until(Func<bool> condition, TimeSpan? step = null)
    {
        var limit = System.Diagnostics.Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(limit.Elapsed < TimeSpan.FromSeconds(60), $"not reached; events: {string.Join(" | ", Events)}");
            await Task.Delay(2);
            Time.Advance(step ?? TimeSpan.FromMilliseconds(100));
        }
    }

    public static uint Number(RadiusPacket packet, RadiusAttributeType type) =>
        packet.TryGet(type, out var attribute) && attribute.TryGetUInt32(out var value) ? value : uint.MaxValue;

    public static string Text(RadiusPacket packet, RadiusAttributeType type) =>
        packet.TryGet(type, out var attribute) ? Encoding.UTF8.GetString(attribute.Value.Span) : "";

    public async ValueTask DisposeAsync()
    {
        if (Client is not null) await Client.DisposeAsync();
        await Radius.DisposeAsync();
        foreach (var server in servers) server.Dispose();
    }

    void IAccountingObserver.Dropped(SpooledRecord record, string reason) => Events.Enqueue($"dropped {record.SessionId} {record.Status}: {reason}");

    void IAccountingObserver.Stuck(SpooledRecord record) => Events.Enqueue($"stuck {record.SessionId}");

    void IAccountingObserver.SpoolFailed(string failure, int unsaved) => Events.Enqueue($"spool failed: {failure}");

    void IAccountingObserver.SpoolRecovered() => Events.Enqueue("spool recovered");

    void IAccountingObserver.SessionsOverdue(string list, IReadOnlyList<string> sessionIds) => Events.Enqueue($"overdue {string.Join(' ', sessionIds)}");
}
