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

    private async Task<AnyConnectVerdict> JudgeAsync(PasswordProtocol protocol, ProfileBinding profile)
    {
        Assert.True(LocalProfiles.TryCompile([], new Dictionary<string, IReadOnlyList<string>>(), this, out var policies, out _));
        var users = new LocalUserStore([new LocalUserOptions("alice", SecretOptions.FromText("wonderland"), null)], policies);
        var local = new LocalAaa(users, new LockoutTable(new LockoutOptions(5, 20, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(5)), TimeProvider.System), workers, TimeProvider.System, NullLogger.Instance);
        var group = radius.CreateGroup(new RadiusGroupOptions("up", [server.Options("r1")]));
        var binding = new AnyConnectBinding(new AnyConnectOptions { ProfileName = "anyconnect" }, protocol, [new AaaMethod(group), new AaaMethod(null)], "both");
        using var passwords = new PasswordAuthentication(TestSession.Create("alice", binding: profile), binding, radius, local, this, CancellationToken.None);
        using var credentials = new AnyConnectCredentials(AnyConnectAnswerKind.Login, "alice", "wonderland"u8.ToArray(), "");
        return await passwords.JudgeAsync(credentials);
    }
}
