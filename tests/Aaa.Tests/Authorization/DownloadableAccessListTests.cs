using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Headend.Aaa.Authentication;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Aaa.Tests.Client;

namespace Headend.Aaa.Tests.Authorization;

/// <summary>ISE's downloadable access lists, over a real socket to a server whose answers the tests decide.</summary>
public sealed class DownloadableAccessListTests : IAsyncLifetime, IRadiusObserver
{
    private const string Name = "#ACSACL#-IP-lan-57f6b0d3";

    private readonly ConcurrentQueue<RadiusPacket> requests = new();
    private readonly FakeRadiusServer server;
    private readonly RadiusClient client;
    private readonly RadiusServerGroup group;
    private readonly DownloadableAccessListClient lists;
    private Func<RadiusPacket, byte[]> answer = request => Reply(request, RadiusCode.AccessAccept, Wire.CiscoPair("ip:inacl#1=permit ip any any"));

    public DownloadableAccessListTests()
    {
        server = new FakeRadiusServer("ise", Answer);
        client = new RadiusClient(new RadiusClientOptions { Jitter = 0 }, TimeProvider.System, this);
        group = client.CreateGroup(new RadiusGroupOptions("corp", [server.Options]));
        lists = new DownloadableAccessListClient(client);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await client.DisposeAsync();
        server.Dispose();
    }

    [Fact]
    public async Task A_list_in_pieces_is_put_together_in_the_order_of_its_numbers()
    {
        answer = request => request.TryGet(RadiusAttributeType.State, out var state)
            ? state.Value.Span[0] == 1
                ? Reply(request, RadiusCode.AccessChallenge, Wire.Attribute(24, 2), Wire.CiscoPair("ip:inacl#2=permit udp any any eq 53"), Wire.CiscoPair("ip:inacl#3=remark web"))
                : Reply(request, RadiusCode.AccessAccept, Wire.CiscoPair("ip:inacl#4=permit tcp any any eq 443"), Wire.CiscoPair("ip:inacl#1=deny ip any host 10.0.0.1"))
            : Reply(request, RadiusCode.AccessChallenge, Wire.Attribute(24, 1), Wire.CiscoPair("ip:inacl#5=deny ip any any"));
        var download = await FetchAsync();
        Assert.Null(download.Failure);
        Assert.Equal(
            ["deny ip any host 10.0.0.1", "permit udp any any eq 53", "remark web", "permit tcp any any eq 443", "deny ip any any"], download.Entries.ToArray());

        Assert.Equal(3, requests.Count);
        foreach (var request in requests)
        {
            Assert.True(request.TryGet(RadiusAttributeType.UserName, out var user) && user.TryGetText(out var name) && name == Name);
            Assert.Equal(["aaa:service=ip_admission", "aaa:event=acl-download"], Wire.CiscoPairs(request).Where(p => p.StartsWith("aaa:", StringComparison.Ordinal)));
            Assert.False(request.TryGet(RadiusAttributeType.UserPassword, out _));
            Assert.Equal(RadiusPacket.HeaderLength + 2, request.MessageAuthenticatorOffset);
        }
    }

    [Fact]
    public async Task A_list_is_fetched_once_however_many_need_it()
    {
        var downloads = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => FetchAsync()));
        Assert.All(downloads, d => Assert.Equal("permit ip any any", Assert.Single(d.Entries)));
        await FetchAsync();
        Assert.Single(requests);
        await FetchAsync("#ACSACL#-IP-lan-57f6b0d4");
        Assert.Equal(2, requests.Count);
    }

    public static TheoryData<byte, string?, string> Failures => new()
    {
        { 3, null, "ise refused it" },
        { 2, null, "ise sent no line of it" },
        { 2, "ip:inacl#1=allow everything", "ise: ip:inacl has a bad value 'allow everything'" },
        { 2, "ip:inacl=permit ip any any", "ise: ip:inacl has a bad value 'permit ip any any'" }, // a line without its number cannot be put in order
        { 2, "nonsense", "ise: a Cisco-AVPair is not attribute=value" },
        { 11, "ip:inacl#1=permit ip any any", "ise sent a piece without State" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_failure_says_why_and_is_not_kept(byte code, string? pair, string expected)
    {
        var good = answer;
        answer = request => Reply(request, new RadiusCode(code), pair is null ? [] : [Wire.CiscoPair(pair)]);
        var failed = await FetchAsync();
        Assert.Equal(expected, failed.Failure);
        Assert.Empty(failed.Entries);
        answer = good;
        Assert.Null((await FetchAsync()).Failure);
    }

    [Fact]
    public async Task A_server_that_never_comes_to_an_end_is_left()
    {
        answer = request => Reply(request, RadiusCode.AccessChallenge, Wire.Attribute(24, 1));
        Assert.Equal($"it has not ended after {DownloadableAccessListClient.MaximumPieces} pieces", (await FetchAsync()).Failure);
    }

    [Fact]
    public async Task A_list_without_end_is_left()
    {
        var lines = 0;
        answer = request => Reply(
            request, RadiusCode.AccessChallenge, [Wire.Attribute(24, 1), .. Enumerable.Range(0, 80).Select(_ => Wire.CiscoPair($"ip:inacl#{++lines}=permit ip any any"))]);
        Assert.Equal($"ise: it has more than {DownloadableAccessListClient.MaximumLines} lines", (await FetchAsync()).Failure);
    }

    [Fact]
    public async Task A_request_that_does_not_fit_is_no_silence_of_the_servers()
    {
        var failed = await FetchAsync("#ACSACL#-" + new string('n', 300));
        Assert.Equal("the RADIUS request cannot be sent: User-Name has 309 octets, more than 253", failed.Failure);
        Assert.Equal((true, false), (failed.IsUnsendable, failed.IsUnavailable));
        Assert.Empty(requests);
    }

    private static byte[] Reply(RadiusPacket request, RadiusCode code, params byte[][] attributes) => Wire.Reply(request, code, FakeRadiusServer.Secret, true, attributes);

    private Task<AccessListDownload> FetchAsync(string name = Name) => lists.FetchAsync(group, Session, name, CancellationToken.None).AsTask();

    private IEnumerable<byte[]> Answer(RadiusPacket request)
    {
        requests.Enqueue(request);
        return [answer(request)];
    }

    private static NasSessionRecord Session => new()
    {
        UserName = "alice",
        AuditSessionId = "C0000201000000015F3B",
        AcctSessionId = "00000001",
        NasPort = 1,
        RemoteEndpoint = new IPEndPoint(IPAddress.Parse("198.51.100.10"), 4500),
        LocalEndpoint = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 4500),
        IkeIdentity = Encoding.ASCII.GetString("alice"u8),
    };
}
