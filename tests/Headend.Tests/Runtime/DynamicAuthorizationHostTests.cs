using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Aaa.Radius;
using Headend.Admin;
using Headend.Composition;
using Headend.Configuration;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Runtime;

/// <summary>Disconnect, CoA and simultaneous sessions from the wire to the wire: a dynamic authorization client on one side, our IKE client on the other.</summary>
[Collection("one meter")]
public sealed class DynamicAuthorizationHostTests : IAsyncLifetime
{
    private const byte Disconnect = 40;
    private const byte Coa = 43;
    private const string Secret = "a-secret-of-24-octets-xy";

    private readonly string directory = Directory.CreateTempSubdirectory("headend-dae-").FullName;
    private readonly int port = FreePort();
    private readonly int authorPort = FreePort();
    private HeadendHost host = null!;
    private byte identifier;

    public async Task InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=gw.example", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await File.WriteAllTextAsync(Path.Combine(directory, "gw.pem"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(Path.Combine(directory, "gw.key"), key.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(Path.Combine(directory, "headend.yaml"), Configuration());
        var outcome = ConfigurationParser.Load(Path.Combine(directory, "headend.yaml"), ConfigurationRules.OfLeaves);
        Assert.Empty(outcome.Errors);
        host = await HeadendHost.StartAsync(outcome.Configuration!, NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    [Theory]
    [InlineData("audit-session-id")]
    [InlineData("Acct-Session-Id")]
    [InlineData("User-Name")]
    [InlineData("Framed-IP-Address")]
    [InlineData("NAS-Port")]
    [InlineData("NAS-Port-Id")]
    public async Task EachKeyEndsItsSessionAndNoOther(string key)
    {
        using var alice = Client("alice");
        using var bob = Client("bob");
        Established(alice);
        Established(bob);
        var session = (await SessionsAsync()).Single(s => s.User == "alice");
        byte[] attribute = key switch
        {
            "audit-session-id" => Pair($"audit-session-id={session.AuditSessionId}"),
            "Acct-Session-Id" => Text(44, session.AcctSessionId!),
            "User-Name" => Text(1, "alice"),
            "Framed-IP-Address" => [8, 6, .. IPAddress.Parse(session.AssignedAddresses[0]).GetAddressBytes()],
            "NAS-Port" => Number(5, uint.Parse(session.Id)),
            _ => Text(87, $"Virtual-Access{session.Id}"),
        };
        Assert.Equal<(int, uint?)>((41, null), Ask(Disconnect, attribute));
        // The ACK came when all of it was given back.
        Assert.Equal("bob", Assert.Single(await SessionsAsync()).User);
        Assert.Equal(1, (await host.Backend.GetPoolsAsync(CancellationToken.None))[0].InUse);
        alice.WaitUntilClosed();
        Assert.Equal(1, bob.Initiator.IkeSas);
    }

    [Fact]
    public async Task WhatCannotBePerformedIsRefusedAndChangesNothing()
    {
        using var first = Client("alice");
        using var second = Client("alice");
        Established(first);
        Established(second);
        var session = (await SessionsAsync())[0];
        byte[] one = Text(44, session.AcctSessionId!);

        Assert.Equal<(int, uint?)>((42, 508u), Ask(Disconnect, Text(1, "alice")));
        Assert.Equal<(int, uint?)>((45, 508u), Ask(Coa, Text(1, "alice"), Number(27, 1)));
        Assert.Equal<(int, uint?)>((42, 503u), Ask(Disconnect, Text(1, "nobody")));
        Assert.Equal<(int, uint?)>((42, 503u), Ask(Disconnect, one, Text(1, "bob")));
        Assert.Equal<(int, uint?)>((42, 403u), Ask(Disconnect, one, Text(32, "gw2")));
        Assert.Equal<(int, uint?)>((42, 403u), Ask(Disconnect, one, [4, 6, 192, 0, 2, 77]));
        Assert.Equal<(int, uint?)>((42, 402u), Ask(Disconnect, Text(32, "gw1")));
        Assert.Equal<(int, uint?)>((42, 401u), Ask(Disconnect, one, Number(27, 60)));
        Assert.Equal<(int, uint?)>((45, 401u), Ask(Coa, one, Number(27, 1), Text(22, "10.0.0.0/8")));
        Assert.Equal<(int, uint?)>((45, 407u), Ask(Coa, one, Number(27, 1), Pair("ip:interface-config=ip mtu 1")));
        Assert.Equal<(int, uint?)>((45, 407u), Ask(Coa, one, Number(27, 1), Pair("ip:interface-config=ip mtu 1300"), Pair("ip:interface-config=no such command")));
        Assert.Equal<(int, uint?)>((45, 407u), Ask(Coa, one, Number(27, 1), Pair("ip:sub-qos-policy-in=gold")));
        Assert.Equal<(int, uint?)>((45, 407u), Ask(Coa, one, Number(27, 1), Pair("ip:inacl#1=permit ip any anyone")));
        Assert.Equal<(int, uint?)>((45, 407u), Ask(Coa, one, Number(27, 1), Pair("ip:sub-qos-policy-in=gold")));
        Assert.Equal<(int, uint?)>((45, 405u), Ask(Coa, one, Number(6, 17), [24, 3, 1]));

        // The Session-Timeout of a second that stood beside each of them was not taken.
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        Assert.Equal(2, (await SessionsAsync()).Count);
    }

    [Fact]
    public async Task OurOwnNasKeysAreAccepted()
    {
        using var client = Client("alice");
        Established(client);
        Assert.Equal<(int, uint?)>((44, null), Ask(Coa, Text(1, "alice"), Text(32, "gw1"), [4, 6, 127, 0, 0, 1], Number(28, 600), Pair("ip:interface-config=ip mtu 1300"), Text(25, "class")));
        Assert.Single(await SessionsAsync());
    }

    [Fact]
    public void ASessionTimeoutThatComesLaterEndsTheSession()
    {
        using var client = Client("alice");
        Established(client);
        Assert.Equal<(int, uint?)>((44, null), Ask(Coa, Text(1, "alice"), Number(27, 1)));
        client.WaitUntilClosed();
    }

    [Fact]
    public async Task BounceEndsTheSession()
    {
        using var client = Client("alice");
        Established(client);
        Assert.Equal<(int, uint?)>((44, null), Ask(Coa, Text(1, "alice"), Pair("subscriber:command=bounce-host-port")));
        client.WaitUntilClosed();
        Assert.Empty(await SessionsAsync());
    }

    [Fact]
    public async Task UniqueReplaceEndsTheOlderSessionWithADelete()
    {
        using var first = Client("rita@replace");
        Established(first);
        using var second = Client("rita@replace");
        Established(second);
        first.WaitUntilClosed();
        Assert.Single(await SessionsAsync());
        // A wrong password replaces nobody.
        using var third = new LoopbackClient(new IPEndPoint(IPAddress.Loopback, port), "rita@replace", "wrong");
        Assert.IsType<InitiatorOutcome.Failed>(third.Login());
        Assert.Single(await SessionsAsync());
    }

    [Fact]
    public async Task UniqueDenyRefusesWhileTheOlderClientAnswers()
    {
        using var first = Client("dora@deny");
        Established(first);
        using var stop = new CancellationTokenSource();
        var serving = first.ServeAsync(stop.Token);
        // Another spelling is the same user.
        using var second = Client("DORA@deny");
        var failed = Assert.IsType<InitiatorOutcome.Failed>(second.Login());
        Assert.Equal(NotifyType.AuthenticationFailed, failed.Notify);
        Assert.Single(await SessionsAsync());
        await stop.CancelAsync();
        await serving;
        Assert.Equal(1, first.Initiator.IkeSas);
    }

    [Fact]
    public async Task UniqueDenyLetsAClientBackInThatCrashed()
    {
        // Nobody answers for it any more.
        using (var crashed = Client("dora@deny"))
            Established(crashed);
        using var again = Client("dora@deny");
        Established(again);
        Assert.Single(await SessionsAsync());
    }

    [Fact]
    public async Task PortLimitOfAaaHoldsWhereTheProfileSetsNone()
    {
        using var stop = new CancellationTokenSource();
        using var first = Client("paul@limit");
        Established(first);
        using var second = Client("paul@limit");
        Established(second);
        Task[] serving = [first.ServeAsync(stop.Token), second.ServeAsync(stop.Token)];
        using var third = Client("paul@limit");
        Assert.IsType<InitiatorOutcome.Failed>(third.Login());
        Assert.Equal(2, (await SessionsAsync()).Count);
        await stop.CancelAsync();
        await Task.WhenAll(serving);
    }

    [Fact]
    public async Task OfTwoLoginsAtOnceExactlyOneGetsTheLastPlace()
    {
        using var stop = new CancellationTokenSource();
        using var one = Client("dora@deny");
        using var two = Client("dora@deny");
        var logins = await Task.WhenAll(
            new[] { one, two }.Select(c => Task.Run(() =>
            {
                var outcome = c.Login();
                // Whoever is in answers for itself from here on.
                var serving = outcome is InitiatorOutcome.Established ? c.ServeAsync(stop.Token) : Task.CompletedTask;
                return (outcome, serving);
            })));
        Assert.Single(logins, l => l.outcome is InitiatorOutcome.Established);
        Assert.Single(await SessionsAsync());
        await stop.CancelAsync();
        await Task.WhenAll(logins.Select(l => l.serving));
    }

    private static void Established(LoopbackClient client) => Assert.IsType<InitiatorOutcome.Established>(client.Login());

    private static byte[] Text(byte type, string value) => [type, (byte)(2 + value.Length), .. Encoding.ASCII.GetBytes(value)];

    private static byte[] Number(byte type, uint value)
    {
        byte[] attribute = [type, 6, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32BigEndian(attribute.AsSpan(2), value);
        return attribute;
    }

    private static byte[] Pair(string pair) => [26, (byte)(8 + pair.Length), 0, 0, 0, 9, 1, (byte)(2 + pair.Length), .. Encoding.ASCII.GetBytes(pair)];

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private LoopbackClient Client(string user) => new(new IPEndPoint(IPAddress.Loopback, port), user, "wonderland");

    private async Task<IReadOnlyList<SessionRecord>> SessionsAsync() => await host.Backend.GetSessionsAsync(CancellationToken.None);

    /// <summary>Sends a sealed request and answers code and Error-Cause of the reply.</summary>
    private (int Code, uint? Cause) Ask(byte code, params byte[][] attributes)
    {
        using var secret = RadiusSecret.FromText(Secret);
        byte[] packet = [code, ++identifier, 0, 0, .. new byte[16], 80, 18, .. new byte[16], .. attributes.SelectMany(a => a)];
        RadiusAuthenticatorCodec.Seal(packet, 22, new byte[16], secret);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 30_000 };
        socket.Connect(IPAddress.Loopback, authorPort);
        socket.Send(packet);
        var buffer = new byte[4096];
        var length = socket.Receive(buffer);
        Assert.True(RadiusPacket.TryParse(buffer.AsSpan(0, length), out var reply, out var error), error.ToString());
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyReply(reply, packet.AsSpan(4, 16), secret, requireMessageAuthenticator: true));
        uint? cause = reply.TryGet(RadiusAttributeType.ErrorCause, out var attribute) && attribute.TryGetUInt32(out var number) ? number : null;
        return (reply.Code.Value, cause);
    }

    private string Configuration() => $$"""
        listen: { addresses: [127.0.0.1], ike-port: {{FreePort()}}, nat-t-port: {{port}} }
        data-plane: { kind: none }
        state-directory: {{directory}}/state
        admin: { socket: {{directory}}/a.sock }
        radius:
          attributes: { nas-identifier: gw1 }
          dynamic-author: { port: {{authorPort}}, addresses: [127.0.0.1], clients: [ { address: 127.0.0.0/8, secret: {{Secret}} } ] }
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          attribute-lists: [ { name: two, attributes: ["Port-Limit=2"] } ]
          local-users:
            - { name: paul@limit, password: wonderland }
            - { name: alice, password: wonderland }
            - { name: bob, password: wonderland }
            - { name: rita@replace, password: wonderland }
            - { name: dora@deny, password: wonderland }
            - { name: DORA@deny, password: wonderland }
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 }, { name: twice, pool: p4, attribute-list: two } ]
          profiles:
        {{Profile("replace", "email-domain replace", "replace")}}
        {{Profile("deny", "email-domain deny", "deny")}}
        {{Profile("limit", "email-domain limit", "never", "twice")}}
        {{Profile("staff", "any", "never")}}
        virtual-templates: [ { number: 1, commands: ["ip mtu 1400"] } ]
        pools: [ { name: p4, range: 10.99.0.1-10.99.0.9 } ]
        """;

    private static string Profile(string name, string match, string unique, string policy = "staff") => $$"""
            - name: {{name}}
              match: { remote-identity: ["{{match}}"] }
              local-identity: fqdn gw.example
              local-authentication: { certificate: gw.pem, key: gw.key }
              remote-authentication: { eap: { query-identity: true } }
              authentication-list: local-list
              authorization: { group: { list: local-list, name: {{policy}} } }
              proposals: [test]
              ipsec: { transforms: [aes128gcm16] }
              unique: {{unique}}
              virtual-template: 1
        """;
}
