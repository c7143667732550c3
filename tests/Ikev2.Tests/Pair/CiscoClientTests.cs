using System.Net;
using System.Security.Cryptography;
using System.Text;
using Headend.Eap.AnyConnect;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;
using Headend.TestKit.Eap;
using Headend.TestKit.Initiator;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>AnyConnect's IKE: vendor ids, private identity type, clear CP, the PRF's hash, SK_pi and SK_pr as keys, and both ways of fragmenting.</summary>
public class CiscoClientTests
{
    private static readonly IPAddress s_headend = IPAddress.Parse("192.0.2.1");
    private static readonly IPEndPoint s_client = new(IPAddress.Parse("198.51.100.10"), 4500);
    private static readonly byte[] s_fragmentation = Convert.FromHexString("4048B7D56EBCE88525E7DE7F00D6C2D3");

    private static readonly byte[][] s_vendorIds =
    [
        Encoding.ASCII.GetBytes("CISCO-DELETE-REASON"),
        Encoding.ASCII.GetBytes("CISCO(COPYRIGHT)&Copyright (c) 2009 Cisco Systems, Inc."),
        s_fragmentation,
        Encoding.ASCII.GetBytes("CISCO-GRE-MODE"),
        Encoding.ASCII.GetBytes("CISCO-ANYCONNECT-STRAP"),
        Encoding.ASCII.GetBytes("CISCO-ANYCONNECT-EAP"),
        Encoding.ASCII.GetBytes("CISCO-NGE-LEVEL"),
    ];

    private static readonly AnyConnectOptions s_anyConnect = new() { ProfileName = "anyconnect", Banner = new string('b', 6000) };

    [Theory]
    [InlineData(11, "aes128gcm16-prfsha256-x25519", "SHA256")]
    [InlineData(201, "aes128gcm16-prfsha384-x25519", "SHA384")]
    public void ALoginAsAnyConnectDoesIt(byte idType, string suite, string hash)
    {
        var network = new SimulatedNetwork(1);
        var profile = Profile("key-id *$AnyConnectClient$*") with { IkeProposals = [ProposalParser.ParseIke(suite)] };
        var grant = new SessionGrant { CiscoAttributes = [new(28705, new byte[] { 0, 0, 7, 8 }), new(28672, "Welcome"u8.ToArray()), new(28679, new byte[1])] };
        var headend = Headend(network, new OutsideOptions { AnyConnect = s_anyConnect, Grant = grant }, profile);
        var client = Client(network, Options(network) with
        {
            Identity = new IkeIdentity(new IdType(idType), "*$AnyConnectClient$*"u8),
            IkeProposals = profile.IkeProposals,
            FurtherAttributes = [28672, 28705, 28726],
        });
        Login(network, client);
        Assert.IsType<InitiatorOutcome.Established>(client.Initiator.Outcome);

        // RFC 7296 2.15 leaves the hash of method 1 to the signer; Cisco's clients take that of the PRF.
        Assert.Equal(new HashAlgorithmName(hash), headend.Outside.Scheme!.Hash);
        Assert.Equal(AuthenticationMethod.RsaSignature, headend.Outside.Scheme.Method);
        Assert.Equal(
            ["CISCO-DELETE-REASON", "CISCO(COPYRIGHT)&Copyright (c) 2009 Cisco Systems, Inc.", "CISCO-ANYCONNECT-EAP"],
            client.Initiator.ServerVendorIds.Take(3).Select(Encoding.ASCII.GetString));
        Assert.Equal(s_fragmentation, client.Initiator.ServerVendorIds[3]);

        // Asked for and known: given. Not asked for, or not known: not.
        Assert.Equal([28672, 28705], client.Initiator.Configuration.Where(a => a.Type > 28000).Select(a => (int)a.Type).Order());
    }

    [Fact]
    public void OtherClientsSeeNothingOfCisco()
    {
        var network = new SimulatedNetwork(2);
        var grant = new SessionGrant { CiscoAttributes = [new(28672, "Welcome"u8.ToArray())] };
        Headend(network, new OutsideOptions { Grant = grant }, Profile("any"));
        var client = Client(network, Options(network) with { EapPeer = null, VendorIds = [], ClearConfiguration = null, FurtherAttributes = [28672] });
        Login(network, client);
        Assert.IsType<InitiatorOutcome.Established>(client.Initiator.Outcome);
        Assert.Empty(client.Initiator.ServerVendorIds);
        Assert.DoesNotContain(client.Initiator.Configuration, a => a.Type == 28672);
    }

    [Theory]
    [InlineData(false, 1)] // RFC 7383
    [InlineData(true, 2)] // payload 132
    public void LoginsOverABadNetworkInFragments(bool cisco, ulong first)
    {
        var established = 0;
        for (var seed = first; seed < first + 60; seed++)
        {
            var network = new SimulatedNetwork(seed) { Link = new LinkOptions { Loss = 0.05, Duplication = 0.1, MostLatency = TimeSpan.FromMilliseconds(100), Mtu = 1300 } };
            var headend = Headend(network, new OutsideOptions { AnyConnect = s_anyConnect }, Profile("any"));
            var client = Client(network, Options(network) with { Fragmentation = !cisco, CiscoFragmentation = cisco, FragmentOctets = 200 });
            Login(network, client);
            established += client.Initiator.Outcome is InitiatorOutcome.Established ? 1 : 0;
            Assert.True(network.Largest <= 1300, $"{network.Largest} octets");
            Assert.Equal(cisco, client.Initiator.CiscoFragmentsReceived > 0);
            Assert.Equal(client.Initiator.Outcome is InitiatorOutcome.Established ? 1 : 0, headend.Outside.SessionsUp);
        }

        Assert.InRange(established, 55, 60);
    }

    [Fact]
    public void WithBothAgreedTheFragmentsAreThoseOfTheRfc()
    {
        var network = new SimulatedNetwork(3) { Link = new LinkOptions { Mtu = 1300 } };
        Headend(network, new OutsideOptions { AnyConnect = s_anyConnect }, Profile("any"));
        var client = Client(network, Options(network));
        Login(network, client);
        Assert.IsType<InitiatorOutcome.Established>(client.Initiator.Outcome);
        Assert.Equal(0, client.Initiator.CiscoFragmentsReceived);
    }

    [Fact]
    public void AClientThatDidNotAnnouncePayload132DoesNotGetItsPiecesRead()
    {
        var network = new SimulatedNetwork(4);
        var headend = Headend(network, new OutsideOptions { AnyConnect = s_anyConnect }, Profile("any"));
        var options = Options(network);
        var client = Client(network, options with
        {
            VendorIds = [.. options.VendorIds.Where(v => v != s_fragmentation)],
            Fragmentation = false,
            CiscoFragmentation = true,
            FragmentOctets = 200,
        });
        Login(network, client);
        Assert.IsType<InitiatorOutcome.Failed>(client.Initiator.Outcome);
        Assert.Equal(0, headend.Endpoint.Counts.HalfOpen);
    }

    /// <summary>Its vendor id is older than IKEv2 and not Cisco's alone; to others we do not announce it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Payload132IsOfCiscoClientsAlone(bool isCisco)
    {
        var network = new SimulatedNetwork(6);
        Headend(network, new OutsideOptions { AnyConnect = s_anyConnect }, Profile("any"));
        var options = Options(network) with { VendorIds = isCisco ? s_vendorIds : [s_fragmentation], Fragmentation = false, CiscoFragmentation = true };

        // Takes pieces and sends none.
        var client = Client(network, options with { FragmentOctets = 60_000 });
        Login(network, client);
        Assert.IsType<InitiatorOutcome.Established>(client.Initiator.Outcome);
        Assert.Equal(isCisco, client.Initiator.ServerVendorIds.Any(v => v.AsSpan().SequenceEqual(s_fragmentation)));
        Assert.Equal(isCisco, client.Initiator.CiscoFragmentsReceived > 0);

        client = new SimulatedClient(network, options with { FragmentOctets = 200 }, new IPEndPoint(s_client.Address, 4501), s_headend, direct: true);
        Login(network, client);
        Assert.Equal(isCisco, client.Initiator.Outcome is InitiatorOutcome.Established);
    }

    /// <summary>A listener sends one piece into each message before the client's own; the client retransmits with the same fragment id.</summary>
    [Theory]
    [InlineData(64, true)]
    [InlineData(2, true)] // completes what does not authenticate
    [InlineData(1, false)]
    [InlineData(64, false)]
    public void AForgedPieceCostsARetransmissionAndNotTheLogin(byte number, bool isLast)
    {
        var network = new SimulatedNetwork(5) { Link = new LinkOptions { Mtu = 1300 } };
        var headend = Headend(network, new OutsideOptions { AnyConnect = s_anyConnect }, Profile("any"));
        var client = Client(network, Options(network) with { Fragmentation = false, CiscoFragmentation = true, FragmentOctets = 200 });
        var forged = new HashSet<int>();
        network.Overhear = octets =>
        {
            // Of the initiator, by its flag.
            if (octets[16] != 132 || (octets[19] & 8) == 0 || octets[34] != 1 || !forged.Add((octets[32] << 8) | octets[33]))
                return;
            var piece = (byte[])octets.Clone();
            (piece[34], piece[35]) = (number, (byte)(isLast ? 1 : 0));
            piece[^1] ^= 1;
            network.Send(s_client, new IPEndPoint(s_headend, 4500), marker: true, piece);
        };
        Login(network, client);
        Assert.NotEmpty(forged);
        Assert.IsType<InitiatorOutcome.Established>(client.Initiator.Outcome);
        Assert.Equal(1, headend.Outside.SessionsUp);
    }

    private static void Login(SimulatedNetwork network, SimulatedClient client)
    {
        client.Start();
        network.RunFor(TimeSpan.FromMinutes(2));
        Assert.True(client.Initiator.Outcome is not InitiatorOutcome.Pending, client.Initiator.Stage.ToString());
    }

    private static IkeProfile Profile(string match) => EndpointPair.Profile("cisco") with
    {
        LocalTraffic = [],
        Credential = TestCredential.Rsa,
        RemoteIdentities = [IdentityMatch.TryParse(match, out var parsed) ? parsed : throw new InvalidOperationException()],
    };

    private static SimulatedHeadend Headend(SimulatedNetwork network, OutsideOptions outside, IkeProfile profile) => new(
        network,
        new IkeEndpointOptions { Profiles = [profile] },
        new ToyCryptoProvider(network.Random.Next()),
        new ScriptedOutside(outside),
        new IPEndPoint(s_headend, 500),
        new IPEndPoint(s_headend, 4500));

    private static SimulatedClient Client(SimulatedNetwork network, TestInitiatorOptions options) => new(network, options, s_client, s_headend, direct: true);

    private static TestInitiatorOptions Options(SimulatedNetwork network) => new()
    {
        Identity = new IkeIdentity(IdType.KeyId, "*$AnyConnectClient$*"u8),
        User = "alice",
        Password = "secret",
        EapPeer = channel => new AnyConnectPeer(new AnyConnectPeerOptions { User = "alice", Answers = ["secret"] }, channel),
        VendorIds = s_vendorIds,
        ClearConfiguration = [1, 0, 0, 0, 0x70, 0x3a, 0, 9, 1, 2],
        SignatureHashes = false,
        Crypto = new ToyCryptoProvider(network.Random.Next()),
    };
}
