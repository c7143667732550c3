using Headend.Admin;
using Headend.Composition;
using Headend.Store;
using Headend.Tests.Runtime;

namespace Headend.Tests.Store;

/// <summary>A crash on a disk that is full by then: the headend starts, and whoever had a session has it still.</summary>
[Collection("one meter")]
public sealed class FullDiskHostTests
{
    private static readonly string Configuration = $$"""
        {{HostYaml.Nobody()}}
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          accounting: [ { name: acct-list, methods: [group corp] } ]
          local-users:
            - { name: alice@reconnect, password: wonderland }
            - { name: bob@reconnect, password: wonderland }
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
        {{HostYaml.UserProfile("reconnect", "email-domain reconnect", "accounting-list: acct-list", "reconnect: { timeout: 30m }")}}
        """;

    [FactOnTinyDisk]
    public async Task Clients_come_back_and_others_log_in()
    {
        using var disk = new TinyDisk(4 << 20);
        await using var headend = new LiveHeadend(state: disk.Path);
        await headend.StartAsync(Configuration);
        using var client = headend.Client(ClientOptions.Reconnecting("alice@reconnect"));
        var address = client.MustLogIn().IPv4;
        await CrashAsync(headend, disk);
        disk.Fill();
        await headend.StartAsync();
        var asleep = Assert.Single(await headend.SessionsAsync());
        Assert.Equal(SessionStatus.Inactive, asleep.Status);
        using var back = headend.Client(ClientOptions.ByToken(client));
        Assert.Equal(address, back.MustLogIn().IPv4);
        using var other = headend.Client(ClientOptions.Reconnecting("bob@reconnect"));
        other.MustLogIn();
    }

    [FactOnTinyDisk]
    public async Task Nor_does_a_missing_key_keep_it_from_starting()
    {
        using var disk = new TinyDisk(4 << 20);
        await using var headend = new LiveHeadend(state: disk.Path);
        await headend.StartAsync(Configuration);
        using var client = headend.Client(ClientOptions.Reconnecting("alice@reconnect"));
        client.MustLogIn();
        await CrashAsync(headend, disk);
        File.Delete(disk.File(StoreComposition.KeyFileName));
        disk.Fill();
        await headend.StartAsync();
        Assert.Empty(await headend.SessionsAsync());
        Assert.Contains("would not outlive this process", headend.Log.Text, StringComparison.Ordinal);
        using var other = headend.Client(ClientOptions.Reconnecting("bob@reconnect"));
        other.MustLogIn();
    }

    /// <summary>What the disk holds once the sessions of now are on it is all that is left.</summary>
    private static async Task CrashAsync(LiveHeadend headend, TinyDisk disk)
    {
        await Task.Delay(SealedStore.Gathering + TimeSpan.FromMilliseconds(400));
        headend.CopyState("aside");
        await headend.DropAsync();
        foreach (var file in Directory.GetFiles(disk.Path))
            File.Delete(file);
        foreach (var file in Directory.GetFiles(headend.Directory.File("aside")))
            File.Copy(file, disk.File(Path.GetFileName(file)));
    }
}
