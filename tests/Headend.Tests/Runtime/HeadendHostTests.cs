using Headend.Admin;
using Headend.Composition;
using Headend.Eap;
using Headend.Runtime;
using Headend.Sessions;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Runtime;

/// <summary>The whole headend without a data plane on the loopback, met by our own client: sockets, shards, EAP, leases, admin API.</summary>
[Collection("one meter")]
public sealed class HeadendHostTests : IAsyncLifetime
{
    private readonly LiveHeadend headend = new();

    public Task InitializeAsync() => headend.StartAsync(Configuration());

    public async Task DisposeAsync() => await headend.DisposeAsync();

    [Fact]
    public async Task ALoginIsShownAndAClearEndsIt()
    {
        using var client = headend.Client("alice", "wonderland");
        Assert.Equal("10.99.0.1", client.MustLogIn().IPv4?.ToString());

        var session = Assert.Single(await headend.SessionsAsync());
        Assert.Equal("alice", session.User);
        Assert.Equal("EAP-MSCHAPv2", session.Authentication);
        Assert.Equal(["10.99.0.1"], session.AssignedAddresses);
        Assert.Single(session.ChildSas);
        Assert.Equal(1, await headend.LeasesAsync());

        var cleared = await headend.Backend.ClearSessionsAsync(new ClearSessionsRecord { User = "alice" }, CancellationToken.None);
        Assert.Equal(1, cleared.Cleared);
        client.WaitUntilClosed();
        Assert.Empty(await headend.SessionsAsync());
        Assert.Equal(0, await headend.LeasesAsync());
    }

    // Before authentication a peer learns only AUTHENTICATION_FAILED.
    [Theory]
    [InlineData("alice", "wrong")]
    [InlineData("nobody", "wonderland")]
    public async Task AWrongPasswordLeavesNothing(string user, string password)
    {
        using var client = headend.Client(user, password);
        client.MustBeRefused();
        Assert.Empty(await headend.SessionsAsync());
        Assert.Equal(0, await headend.LeasesAsync());
    }

    // Whatever the client sends then, it learns of a wrong password and nothing more.
    [Fact]
    public void TooManyWrongPasswordsLockTheUserOutUntilAnOperatorSaysOtherwise()
    {
        for (var i = 0; i < 3; i++)
        {
            using var guess = headend.Client("alice", "guess");
            guess.MustFail();
        }

        using (var right = headend.Client("alice", "wonderland"))
            right.MustBeRefused();
        Assert.NotNull(headend.Host.LocalAaa.Lockout.StateOf("alice").LockedUntil);
        Assert.True(headend.Host.LocalAaa.Lockout.Clear("alice"));
        using var again = headend.Client("alice", "wonderland");
        again.MustLogIn();
    }

    [Fact]
    public async Task AReloadTakesTheUserFileAndKeepsSessions()
    {
        using var alice = headend.Client("alice", "wonderland");
        alice.MustLogIn();
        var file = LocalUserFile.PathIn(headend.State);
        Assert.Null(LocalUserFile.Update(file, rows =>
        {
            rows.Add(new LocalUserRecord { Name = "bob", NtHash = Convert.ToHexString(LocalCredential.ComputeNtHash("builder")), Policy = "staff" });
            return null;
        }));
        using (var early = headend.Client("bob", "builder"))
            early.MustFail();
        headend.Host.Reload();
        using var bob = headend.Client("bob", "builder");
        bob.MustLogIn();

        // What cannot be used changes nothing.
        await File.WriteAllTextAsync(file, "{ damaged");
        headend.Host.Reload();
        using var stillBob = headend.Client("bob", "builder");
        stillBob.MustLogIn();
        Assert.Equal(3, (await headend.SessionsAsync()).Count);
    }

    [Fact]
    public async Task StoppingTellsEveryClient()
    {
        using var first = headend.Client("alice", "wonderland");
        using var second = headend.Client("alice", "wonderland");
        first.MustLogIn();
        second.MustLogIn();
        Assert.NotEqual(first.Initiator.Path.Local, second.Initiator.Path.Local);

        var stop = headend.Host.StopAsync();
        first.WaitUntilClosed();
        second.WaitUntilClosed();
        await stop;
    }

    [Fact]
    public async Task APortInUseIsSaidInALine()
    {
        var error = await Assert.ThrowsAsync<HeadendStartException>(
            () => HeadendHost.StartAsync(headend.Load(), NullLoggerFactory.Instance, TimeProvider.System, TimeSpan.Zero, CancellationToken.None));
        Assert.Contains("in use", error.Message, StringComparison.Ordinal);
    }

    private static string Configuration() => $$"""
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          local-users: [ { name: alice, password: wonderland } ]
          lockout: { failures: 3 }
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
        {{HostYaml.UserProfile("staff", "any")}}
        """;
}
