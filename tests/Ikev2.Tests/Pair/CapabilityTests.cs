using System.Net;
using System.Text;
using Headend.Eap.AnyConnect;
using Headend.Ikev2.Wire;
using Headend.TestKit.Eap;
using Headend.TestKit.Initiator;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>The letters that show prints of an IKE SA are those of FlexVPN's legend, and none of them means something else here.</summary>
public class CapabilityTests
{
    private static readonly IPAddress s_headend = IPAddress.Parse("192.0.2.1");
    private static readonly IPEndPoint s_client = new(IPAddress.Parse("198.51.100.10"), 4500);

    [Fact]
    public void AClientThatBringsNothingHasDeadPeerDetectionAndEap() => Assert.Equal("D X", Letters());

    [Fact]
    public void WithoutAnIntervalThereIsNoDeadPeerDetection() => Assert.Equal("X", Letters(profile: p => p with { DpdInterval = TimeSpan.Zero }));

    [Fact]
    public void NatFragmentationAndHashesAreTold() =>
        Assert.Equal("D N X F signature-hash-algorithms", Letters(o => o with { PretendNat = true, Fragmentation = true, SignatureHashes = true }));

    [Fact]
    public void FragmentationOfCiscosKindIsFragmentation() => Assert.Equal(
        "D X F", Letters(o => o with { VendorIds = [Convert.FromHexString("4048B7D56EBCE88525E7DE7F00D6C2D3"), Encoding.ASCII.GetBytes("CISCO-ANYCONNECT-EAP")] }));

    [Fact]
    public void AnyConnectEapIsExtendedAuthentication() => Assert.Equal("D X", Letters(
        o => o with
        {
            Identity = new IkeIdentity(IdType.KeyId, "*$AnyConnectClient$*"u8),
            VendorIds = [Encoding.ASCII.GetBytes("CISCO-ANYCONNECT-EAP")],
            EapPeer = channel => new AnyConnectPeer(new AnyConnectPeerOptions { User = "alice", Answers = ["secret"] }, channel),
        },
        p => p with { Credential = TestCredential.Rsa },
        new OutsideOptions { AnyConnect = new AnyConnectOptions { ProfileName = "anyconnect" } }));

    [Fact]
    public void APreSharedKeyIsNot()
    {
        var key = "what both know"u8.ToArray();
        var outside = new OutsideOptions { PreSharedKeys = new Dictionary<string, (byte[], byte[])>(StringComparer.Ordinal) { ["laptop.example"] = (key, key) } };
        Assert.Equal("D", Letters(o => o with { PreSharedKey = key }, p => p with { RemoteEap = false, RemotePreSharedKey = true }, outside));
    }

    private static string Letters(
        Func<TestInitiatorOptions, TestInitiatorOptions>? client = null, Func<IkeProfile, IkeProfile>? profile = null, OutsideOptions? outside = null)
    {
        var network = new SimulatedNetwork(1);
        var served = EndpointPair.Profile("laptops") with { LocalTraffic = [] };
        var headend = new SimulatedHeadend(
            network,
            new IkeEndpointOptions { Profiles = [profile is null ? served : profile(served)] },
            new ToyCryptoProvider(network.Random.Next()),
            new ScriptedOutside(outside ?? new OutsideOptions()),
            new IPEndPoint(s_headend, 500),
            new IPEndPoint(s_headend, 4500));
        var options = new TestInitiatorOptions
        {
            Identity = new IkeIdentity(IdType.Fqdn, "laptop.example"u8),
            User = "alice",
            Password = "secret",
            Fragmentation = false,
            SignatureHashes = false,
            Crypto = new ToyCryptoProvider(network.Random.Next()),
        };
        var login = new SimulatedClient(network, client is null ? options : client(options), s_client, s_headend, direct: true);
        login.Start();
        Assert.True(network.RunUntil(() => login.Initiator.Outcome is not InitiatorOutcome.Pending, TimeSpan.FromMinutes(2)));
        Assert.IsType<InitiatorOutcome.Established>(login.Initiator.Outcome);
        return string.Join(' ', Assert.Single(headend.Endpoint.Describe()).Capabilities);
    }
}
