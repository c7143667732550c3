using System.Net;
using System.Security.Cryptography;
using System.Text;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Pki;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>What a client of Cisco's asks for is told to the outside, however it authenticates and whatever becomes of the login.</summary>
public class CiscoAttributesTests
{
    private const string Asked = "1(0x0001) 3(0x0003) 28704(0x7020) 28717(0x702d)";
    private static readonly IPAddress s_headend = IPAddress.Parse("192.0.2.1");
    private static readonly IPEndPoint s_client = new(IPAddress.Parse("198.51.100.10"), 4500);
    private static readonly byte[] s_key = [.. "what both sides know"u8];
    private static readonly byte[] s_copyright = Encoding.ASCII.GetBytes("CISCO(COPYRIGHT)&Copyright (c) 2009 Cisco Systems, Inc.");
    private static readonly TestAuthority s_authority = TestAuthority.Create("CN=Test CA");
    private static readonly ECDsa s_p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    [Theory]
    [InlineData("EAP-MSCHAPv2")]
    [InlineData("certificate")]
    [InlineData("certificate+EAP-MSCHAPv2")]
    [InlineData("PSK")]
    public void EveryWayOfLoginTellsWhatWasAskedFor(string method)
    {
        var login = Run(method, o => o with { VendorIds = [s_copyright] }, new OutsideOptions(), p => p, isUp: true);
        Assert.Equal((true, Asked), (login.IsCisco, login.RequestedConfiguration));
        Assert.Equal(method, login.Method);

        login = Run(method, o => o with { VendorIds = [s_copyright], RequestConfiguration = false }, new OutsideOptions(), p => p, isUp: false);
        Assert.Equal((true, null), (login.IsCisco, login.RequestedConfiguration));

        login = Run(method, o => o, new OutsideOptions(), p => p, isUp: true);
        Assert.Equal((false, null), (login.IsCisco, login.RequestedConfiguration));
    }

    [Theory]
    [InlineData("EAP-MSCHAPv2")]
    [InlineData("certificate")]
    [InlineData("certificate+EAP-MSCHAPv2")]
    [InlineData("PSK")]
    public void SoDoLoginsThatFail(string method)
    {
        var wrong = Run(
            method,
            o => o with { VendorIds = [s_copyright], Password = "wrong", PreSharedKey = o.PreSharedKey is null ? null : [1] },
            new OutsideOptions { Certificates = _ => method == "certificate" ? CertificateVerdict.Refused : CertificateVerdict.Accepted },
            p => p,
            isUp: false);
        Assert.Equal((true, Asked), (wrong.IsCisco, wrong.RequestedConfiguration));

        // Refused at once.
        var early = Run(
            method, o => o with { VendorIds = [s_copyright] }, new OutsideOptions(), p => p with { IkeProposals = [ProposalParser.ParseIke("aes256gcm16-prfsha384-ecp384")] }, isUp: false);
        Assert.Equal((true, Asked), (early.IsCisco, early.RequestedConfiguration));
    }

    /// <summary>A client that comes back may repeat what lets it, and the log has many readers.</summary>
    [Fact]
    public void WhatLetsAClientComeBackIsNotTold()
    {
        var policy = new ReconnectPolicy(TimeSpan.FromMinutes(30), new(28717), new(28718), new(28706), new(28709));
        var login = Run(
            "EAP-MSCHAPv2",
            o => o with { VendorIds = [s_copyright], FurtherAttributes = [28704], ReconnectAttributes = (policy.SessionId, policy.TokenId), ReconnectValue = [.. "token"u8] },
            new OutsideOptions(),
            p => p with { Reconnect = policy },
            isUp: true);
        Assert.Equal("1(0x0001) 3(0x0003) 28704(0x7020) 28717(0x702d)=5-octets 28718(0x702e)=5-octets", login.RequestedConfiguration);

        // Where the numbers mean nothing, they are what is looked for in the log.
        login = Run(
            "EAP-MSCHAPv2",
            o => o with { VendorIds = [s_copyright], FurtherAttributes = [], ReconnectAttributes = (policy.SessionId, policy.TokenId), ReconnectValue = [1, 2] },
            new OutsideOptions(),
            p => p,
            isUp: true);
        Assert.EndsWith("28717(0x702d)=0102 28718(0x702e)=0102", login.RequestedConfiguration, StringComparison.Ordinal);
    }

    private static LoginRecord Run(
        string method, Func<TestInitiatorOptions, TestInitiatorOptions> change, OutsideOptions outside, Func<IkeProfile, IkeProfile> adapt, bool isUp)
    {
        var network = new SimulatedNetwork(1);
        var certified = method.StartsWith("certificate", StringComparison.Ordinal);
        var profile = EndpointPair.Profile("cisco") with
        {
            LocalTraffic = [],
            RemoteEap = method.Contains("EAP", StringComparison.Ordinal),
            RemoteCertificate = certified,
            CertificateThenEap = method.Contains('+') ? SecondAuthentication.Required : SecondAuthentication.Refused,
            RemotePreSharedKey = method == "PSK",
        };
        var headend = new SimulatedHeadend(
            network,
            // Another profile agrees to what this one does not.
            new IkeEndpointOptions { Profiles = [adapt(profile), EndpointPair.Profile("other")] },
            new ToyCryptoProvider(network.Random.Next()),
            new ScriptedOutside(outside with { PreSharedKeys = new Dictionary<string, (byte[], byte[])>(StringComparer.Ordinal) { ["laptop.example"] = (s_key, s_key) } }),
            new IPEndPoint(s_headend, 500),
            new IPEndPoint(s_headend, 4500));
        LoginRecord? up = null;
        headend.Watch = effect => up = (effect as SessionUpEffect)?.Login ?? up;
        var leaf = s_authority.Issue(new TestSubject("CN=laptop") { DnsNames = ["laptop.example"] }, s_p256);
        var client = new SimulatedClient(
            network,
            change(new TestInitiatorOptions
            {
                Identity = new IkeIdentity(IdType.Fqdn, "laptop.example"u8),
                User = "alice",
                Password = "secret",
                Certificate = certified ? InitiatorCertificate.With([leaf.RawDataMemory], s_p256) : null,
                SecondIdentity = method.Contains('+') ? new IkeIdentity(IdType.KeyId, "alice"u8) : null,
                PreSharedKey = method == "PSK" ? s_key : null,
                FurtherAttributes = [28704, 28717],
                Crypto = new ToyCryptoProvider(network.Random.Next()),
            }),
            s_client,
            s_headend);
        client.Start();
        network.RunFor(TimeSpan.FromMinutes(2));
        Assert.True(client.Initiator.Outcome is InitiatorOutcome.Established == isUp, client.Initiator.Outcome.ToString());
        return isUp ? up! : Assert.Single(headend.Outside.Ended).Login;
    }
}
