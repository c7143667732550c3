using Headend.Aaa.Accounting;
using Headend.Tests.Peers;
using static Headend.Tests.Runtime.ClientOptions;

namespace Headend.Tests.Runtime;

/// <summary>
/// What does not fit into RADIUS through the whole headend: a client cannot choose by what it says that somebody else is asked in RADIUS's place, or that nobody hears of its
/// session.
/// </summary>
[Collection("one meter")]
public sealed class ClientTextHostTests : IAsyncLifetime
{
    /// <summary>APPLICATION_VERSION as long as it is read; no text, so that it is told in twice as many digits.</summary>
    private static readonly byte[] Version = [1, .. Enumerable.Repeat((byte)'x', 127)];

    private readonly LiveHeadend headend = new();
    private readonly PolicyServer radius = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await headend.DisposeAsync();
        radius.Dispose();
    }

    /// <summary>The user has a local entry, but RADIUS, which is healthy, refuses it.</summary>
    [Fact]
    public async Task A_user_that_RADIUS_refuses_does_not_get_in_as_a_local_one_by_what_its_client_calls_itself()
    {
        await headend.StartAsync(Configuration("gw"));
        using var client = Client("alice@corp.example");
        client.MustBeRefused();
        Assert.Equal(["alice@corp.example *"], radius.Requests);
        Assert.Empty(await headend.SessionsAsync());
    }

    [Fact]
    public async Task A_session_is_accounted_for_whatever_its_client_calls_itself()
    {
        await headend.StartAsync(Configuration("gw"));
        using var client = Client("bob");
        client.MustLogIn();
        Assert.Equal(1, (await headend.Backend.GetAccountingAsync(CancellationToken.None)).OpenSessions);
        Assert.Equal(
            [AcctStatusType.AccountingOn, AcctStatusType.Start, AcctStatusType.Stop, AcctStatusType.AccountingOff],
            (await headend.RecordsAsync()).Select(r => r.Status));
    }

    /// <summary>The operator's name of the headend stands for whatever else may not fit one day.</summary>
    [Theory]
    [InlineData("alice@corp.example", "the RADIUS request cannot be sent: NAS-Identifier has 300 octets, more than 253")]
    [InlineData("bob", "accounting: NAS-Identifier has 300 octets, more than 253")]
    public async Task A_request_or_a_start_that_does_not_fit_refuses_the_login(string user, string why)
    {
        await headend.StartAsync(Configuration(new string('n', 300)));
        using var client = Client(user);
        client.MustBeRefused();
        headend.Log.MustSay("aaa-unsendable");
        var line = Assert.Single(headend.Log.Text.Split('\n'), l => l.Contains("aaa-unsendable", StringComparison.Ordinal));
        Assert.Contains(why, line, StringComparison.Ordinal);
        Assert.Empty(radius.Requests);
        Assert.Empty(await headend.SessionsAsync());
        for (var attempt = 0; attempt < 400 && await headend.LeasesAsync() > 0; attempt++)
            await Task.Delay(50);
        Assert.Equal(0, await headend.LeasesAsync());
        Assert.Equal(0, (await headend.Backend.GetAccountingAsync(CancellationToken.None)).OpenSessions);
    }

    private LoopbackClient Client(string user) => headend.Client(ByPassword(user, "wonderland") with { ApplicationVersion = Version });

    private string Configuration(string nasIdentifier) => $$"""
        store: { kind: embedded }
        {{HostYaml.Radius(radius.Port, $"attributes: {{ nas-identifier: {nasIdentifier} }}")}}
        aaa:
          authentication: [ { name: both, methods: [group corp, local] }, { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          accounting: [ { name: acct-list, methods: [group corp] } ]
          local-users: [ { name: alice@corp.example, password: wonderland }, { name: bob, password: wonderland } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
        {{HostYaml.Profile("people", "email-domain corp.example", HostYaml.Eap, "authentication-list: both", HostYaml.Staff)}}
        {{HostYaml.UserProfile("rest", "any", "accounting-list: acct-list")}}
        """;
}
