using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Client;

/// <summary>A client on a virtual clock, its servers on loopback, and what its observer was told.</summary>
internal sealed class ClientFixture : IRadiusObserver, IAsyncDisposable
{
    /// <summary>Longer than a server of the tests is given for an answer, without jitter.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5.01);

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly List<FakeRadiusServer> servers = [];
    private readonly Channel<RadiusError> ignored = Channel.CreateUnbounded<RadiusError>();

    public ClientFixture(RadiusClientOptions? options = null) => Client = new RadiusClient((options ?? new RadiusClientOptions()) with { Jitter = 0 }, Time, this);

    public ManualTimeProvider Time { get; } = new();

    public RadiusClient Client { get; }

    public ConcurrentQueue<string> Events { get; } = new();

    public static RadiusRequest Login() => new RadiusRequest(RadiusCode.AccessRequest).Add(RadiusAttributeType.UserName, "alice");

    public static RadiusRequest Eap() => Login().AddEapMessage([2, 1, 0, 5, 1]);

    public FakeRadiusServer Serve(string name, Func<RadiusPacket, IEnumerable<byte[]>>? answer = null)
    {
        var server = new FakeRadiusServer(name, answer);
        servers.Add(server);
        return server;
    }

    public RadiusServerGroup Group(params FakeRadiusServer[] members) => Client.CreateGroup(new RadiusGroupOptions("g", [.. members.Select(m => m.Options)]));

    public Task<RadiusOutcome> SendAsync(RadiusServerGroup group) => Client.SendAsync(group, Login(), default);

    /// <summary>The server says nothing until nobody asks it any more; the last request that it got.</summary>
    public async Task<(RadiusPacket Packet, IPEndPoint From)> RunDryAsync(FakeRadiusServer server)
    {
        (RadiusPacket, IPEndPoint) last = default;
        for (var i = 0; i <= server.Options.Retransmit; i++)
        {
            last = await server.NextAsync();
            Time.Advance(Timeout);
        }

        return last;
    }

    public async Task<RadiusError> NextIgnoredAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        return await ignored.Reader.ReadAsync(limit.Token);
    }

    /// <summary>Waits in real time, because real sockets are between.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        for (var waited = TimeSpan.Zero; !condition(); waited += TimeSpan.FromMilliseconds(10))
        {
            Assert.True(waited < Limit, "waited in vain");
            await Task.Delay(10);
        }
    }

    /// <summary>The same, with timers that are set meanwhile for this very moment.</summary>
    public Task UntilTimersAsync(Func<bool> condition) => UntilAsync(() =>
    {
        Time.Advance(TimeSpan.Zero);
        return condition();
    });

    public RadiusServerStatistics Statistics(string server) => Client.GetStatistics().Single(s => s.Server == server);

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        foreach (var server in servers) server.Dispose();
    }

    void IRadiusObserver.ReplyIgnored(string server, RadiusError reason) => ignored.Writer.TryWrite(reason);

    void IRadiusObserver.ServerSilent(string server, RadiusService service) => Events.Enqueue($"{server} {service} silent");

    void IRadiusObserver.ServerDead(string server, RadiusService service, DateTimeOffset? until) => Events.Enqueue($"{server} {service} dead");

    void IRadiusObserver.ServerAlive(string server, RadiusService service) => Events.Enqueue($"{server} {service} alive");

    void IRadiusObserver.ConnectionUp(string server, string protocol) => Events.Enqueue($"{server} up");

    void IRadiusObserver.ConnectionDown(string server, string reason, TimeSpan retryIn) => Events.Enqueue($"{server} down, {retryIn.TotalSeconds:0} s: {reason}");
}
