using System.Net;
using System.Text;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Configuration;
using Headend.Eap.AnyConnect;
using Headend.Ikev2.Crypto;
using Headend.Runtime;
using Headend.Sessions;
using Headend.Tests.Peers;
using Microsoft.Extensions.Logging.Abstractions;
using RadiusGroupOptions = Headend.Aaa.Client.RadiusGroupOptions;

namespace Headend.Tests.Sessions;

/// <summary>Passwords of AnyConnect through a list of a RADIUS group and the local users.</summary>
public sealed class PasswordAuthenticationTests : IProfileObserver, IAsyncLifetime
{
    private readonly PolicyServer server = new();
    private readonly RadiusClient radius = new(new RadiusClientOptions(), TimeProvider.System);
    private readonly CryptoWorkers workers = new(1, SystemCryptoProvider.Instance, NullLogger.Instance);

    void IProfileObserver.UnknownPair(string name) => Assert.Fail(name);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await radius.DisposeAsync();
        workers.Dispose();
        server.Dispose();
    }

    [Theory]
    [InlineData(nameof(PasswordProtocol.Pap))]
    [InlineData(nameof(PasswordProtocol.Chap))]
    [InlineData(nameof(PasswordProtocol.MsChapV2))]
    public async Task Where_a_request_does_not_fit_the_local_users_are_not_asked_in_its_place(string protocol)
    {
        var verdict = Assert.IsType<AnyConnectVerdict.Unsendable>(await JudgeAsync(Enum.Parse<PasswordProtocol>(protocol), TestSession.Binding with { NasIdentifier = new string('x', 300) }));
        Assert.Equal("the RADIUS request cannot be sent: NAS-Identifier has 300 octets, more than 253", verdict.Reason);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task A_refusal_is_an_answer() => Assert.IsType<AnyConnectVerdict.Rejected>(await JudgeAsync(PasswordProtocol.Pap, TestSession.Binding));

    [Theory]
    [InlineData("staff", "staff", true)]
    [InlineData("STAFF", "staff", true)]
    [InlineData("", "staff", true)]
    [InlineData("guests", "staff", false)]
    public async Task Whoever_AAA_locks_to_a_group_may_choose_no_other(string chosen, string only, bool good)
    {
        using var judge = new PasswordServer { Grant = [26, (byte)(8 + only.Length), 0, 0, 0x0C, 0x04, 85, (byte)(2 + only.Length), .. Encoding.ASCII.GetBytes(only)] };
        judge.Passwords["alice"] = "wonderland";
        foreach (var methods in new AaaMethod[][] { [Group(judge)], [new AaaMethod(null)] })
        {
            using var passwords = Passwords(PasswordProtocol.Pap, TestSession.Binding, $"ASA-Tunnel-Group-Lock={only}", methods);
            var verdict = await passwords.JudgeAsync(Login(chosen));
            if (good)
            {
                Assert.Equal("alice", Assert.IsType<AnyConnectVerdict.Accepted>(verdict).User);
            }
            else
            {
                Assert.Equal(new AnyConnectVerdict.Rejected("the user's group is 'staff' (Tunnel-Group-Lock), not 'guests'", "You are not in the group guests."), verdict);
                Assert.False(passwords.IsLocal);
            }
        }
    }

    /// <summary>RFC 2865 5.24: State comes back as it was given, to the server that gave it, though one before it in the list lives again.</summary>
    [Fact]
    public async Task Answers_go_with_their_own_State_to_the_server_that_asked()
    {
        using var first = new PasswordServer { Silent = true };
        using var second = new PasswordServer { Questions = 2 };
        second.Passwords["alice"] = "wonderland";
        second.WantCode.Add("alice");
        using var passwords = Passwords(PasswordProtocol.Pap, TestSession.Binding, null, Group(first, second));
        Assert.IsType<AnyConnectVerdict.Challenge>(await passwords.JudgeAsync(Login()));
        first.Silent = false;
        await Task.Delay(TimeSpan.FromMilliseconds(100));
        Assert.IsType<AnyConnectVerdict.Challenge>(await passwords.JudgeAsync(Code()));
        Assert.IsType<AnyConnectVerdict.Accepted>(await passwords.JudgeAsync(Code()));
        Assert.Equal(["pap", "code", "code"], second.Used);
        Assert.Empty(first.Used);

        // Whoever has no such question to answer begins with the first.
        Assert.IsType<AnyConnectVerdict.Rejected>(await passwords.JudgeAsync(Login()));
        Assert.Equal(["pap"], first.Used);
    }

    [Fact]
    public async Task The_local_users_are_asked_where_RADIUS_is_silent()
    {
        server.Silent = true;
        using var passwords = Passwords(PasswordProtocol.Pap, TestSession.Binding, null, Group(server), new AaaMethod(null));
        Assert.IsType<AnyConnectVerdict.Accepted>(await passwords.JudgeAsync(Login()));
        Assert.True(passwords.IsLocal);
    }

    /// <summary>Nobody else can judge the answer to a question, and a person who was asked on the telephone is not asked twice.</summary>
    [Fact]
    public async Task They_are_not_asked_for_the_answer_to_a_question_of_RADIUS_nor_after_the_wait_for_a_person()
    {
        using var judge = new PasswordServer();
        judge.Passwords["alice"] = "wonderland";
        judge.WantCode.Add("alice");
        using var passwords = Passwords(PasswordProtocol.Pap, TestSession.Binding, null, Group(judge), new AaaMethod(null));
        Assert.IsType<AnyConnectVerdict.Challenge>(await passwords.JudgeAsync(Login()));
        judge.Silent = true;
        Assert.IsType<AnyConnectVerdict.Unavailable>(await passwords.JudgeAsync(new AnyConnectCredentials(AnyConnectAnswerKind.Challenge, "alice", "wonderland"u8.ToArray(), "")));
        Assert.False(passwords.IsLocal);

        server.Silent = true;
        var patient = new AaaMethod(radius.CreateGroup(new RadiusGroupOptions("mfa", [server.Options("slow") with { Timeout = TimeSpan.FromSeconds(30), MfaWait = TimeSpan.FromSeconds(1) }])));
        using var waiting = Passwords(PasswordProtocol.Pap, TestSession.Binding, null, patient, new AaaMethod(null));
        Assert.IsType<AnyConnectVerdict.Unavailable>(await waiting.JudgeAsync(Login()));
        Assert.False(waiting.IsLocal);
    }

    private static AnyConnectCredentials Login(string group = "") => new(AnyConnectAnswerKind.Login, "alice", "wonderland"u8.ToArray(), group);

    private static AnyConnectCredentials Code() => new(AnyConnectAnswerKind.Challenge, "alice", "123456"u8.ToArray(), "");

    private async Task<AnyConnectVerdict> JudgeAsync(PasswordProtocol protocol, ProfileBinding profile)
    {
        using var passwords = Passwords(protocol, profile, null, Group(server), new AaaMethod(null));
        return await passwords.JudgeAsync(Login());
    }

    private AaaMethod Group(PolicyServer policy) => new(radius.CreateGroup(new RadiusGroupOptions("up", [policy.Options("r1")])));

    private AaaMethod Group(params PasswordServer[] judges) => new(radius.CreateGroup(new RadiusGroupOptions(
        "up", [.. judges.Select((j, i) => new Headend.Aaa.Client.RadiusServerOptions($"r{i}", IPAddress.Loopback, PasswordServer.Secret) { AuthPort = j.Port, Timeout = TimeSpan.FromMilliseconds(j.Silent ? 100 : 5000), Retransmit = j.Silent ? 0 : 1 })])
    {
        DeadTime = TimeSpan.FromMilliseconds(1),
    }));

    /// <param name="protocol">Towards RADIUS.</param>
    /// <param name="profile">The IKE profile's.</param>
    /// <param name="pair">What the local user alice has besides the password; or null.</param>
    /// <param name="methods">The list's.</param>
    private PasswordAuthentication Passwords(PasswordProtocol protocol, ProfileBinding profile, string? pair, params AaaMethod[] methods)
    {
        var lists = new Dictionary<string, IReadOnlyList<string>> { ["of-alice"] = pair is null ? [] : [pair] };
        Assert.True(LocalProfiles.TryCompile([], lists, this, out var policies, out var errors), string.Join("; ", errors));
        var users = new LocalUserStore([new LocalUserOptions("alice", SecretOptions.FromText("wonderland"), null) { AttributeList = "of-alice" }], policies);
        var local = new LocalAaa(users, new LockoutTable(new LockoutOptions(5, 20, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(5)), TimeProvider.System), workers, TimeProvider.System, NullLogger.Instance);
        var binding = new AnyConnectBinding(new AnyConnectOptions { ProfileName = "anyconnect" }, protocol, methods, "both");
        return new PasswordAuthentication(TestSession.Create("alice", binding: profile), binding, radius, local, this, CancellationToken.None);
    }
}
