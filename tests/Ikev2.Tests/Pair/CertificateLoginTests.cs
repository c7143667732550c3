using System.Net;
using System.Security.Cryptography;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Pki;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>Certificates of clients (RFC 7296 2.15, RFC 7427, RFC 8420), and EAP after them (RFC 4739), over a network with faults.</summary>
public class CertificateLoginTests
{
    private static readonly IPAddress s_headend = IPAddress.Parse("192.0.2.1");
    private static readonly IPEndPoint s_client = new(IPAddress.Parse("198.51.100.10"), 4500);
    private static readonly TestAuthority s_authority = TestAuthority.Create("CN=Test CA");
    private static readonly RSA s_rsa = RSA.Create(2048);
    private static readonly ECDsa s_p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly ECDsa s_p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private static readonly ECDsa s_p521 = ECDsa.Create(ECCurve.NamedCurves.nistP521);
    private static readonly Ed25519Key s_edwards = new();

    public static TheoryData<string> Schemes => ["rsa", "rsa-pss", "rsa-old", "p256", "p384", "p521", "p256-old", "p384-old", "p521-old", "ed25519"];

    [Theory]
    [MemberData(nameof(Schemes))]
    public void EverySignatureSchemeLogsIn(string scheme)
    {
        var network = new SimulatedNetwork(1);
        var headend = Headend(network, new OutsideOptions(), Profile());
        var client = Client(network, Credential(scheme));
        Assert.True(Run(1, network, headend, client), client.Initiator.Outcome.ToString());
        var sa = Assert.Single(headend.Endpoint.Describe());
        Assert.Equal("certificate", sa.Method);
        Assert.DoesNotContain("X", sa.Capabilities);
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public void AnAlteredSignatureDoesNot(string scheme)
    {
        var network = new SimulatedNetwork(2);
        var headend = Headend(network, new OutsideOptions(), Profile());
        var good = Credential(scheme);
        var client = Client(network, good with { Sign = octets => Altered(good.Sign(octets)) });
        Assert.False(Run(2, network, headend, client));
        Refused(client, headend, IkeFailure.BadSignature);

        static AuthenticationPayload Altered(AuthenticationPayload payload)
        {
            var value = payload.Value.ToArray();
            value[^5] ^= 1;
            return new AuthenticationPayload(payload.Method, value);
        }
    }

    /// <summary>A signature over other octets: of another IKE_SA_INIT, which a man in the middle would have.</summary>
    [Fact]
    public void ASignatureOfAnotherExchangeDoesNot()
    {
        var network = new SimulatedNetwork(3);
        var headend = Headend(network, new OutsideOptions(), Profile());
        var good = Credential("p256");
        var client = Client(network, good with { Sign = octets => good.Sign([.. octets, 0]) });
        Assert.False(Run(3, network, headend, client));
        Refused(client, headend, IkeFailure.BadSignature);
    }

    [Fact]
    public void EveryLoginOverABadNetworkEndsEstablishedOrCleanlyFailed()
    {
        var established = 0;
        const int seeds = 200;
        for (ulong seed = 1; seed <= seeds; seed++)
        {
            var network = new SimulatedNetwork(seed) { Link = new LinkOptions { Loss = 0.2, Duplication = 0.2, MostLatency = TimeSpan.FromMilliseconds(200) } };
            var right = network.Random.Next(4) != 0;
            var outside = new OutsideOptions { MostDelay = TimeSpan.FromMilliseconds(30), Certificates = _ => right ? CertificateVerdict.Accepted : CertificateVerdict.Refused };
            var both = network.Random.Next(2) != 0;
            var headend = Headend(network, outside, Profile() with { RemoteEap = true, CertificateThenEap = SecondAuthentication.Allowed });
            var client = Client(network, Credential("p256"), both ? "email alice@example.com" : null);
            established += Run(seed, network, headend, client) ? 1 : 0;
            Assert.False(!right && client.Initiator.Outcome is InitiatorOutcome.Established, $"seed {seed}: a refused certificate logged in");
        }

        Assert.InRange(established, seeds / 2, seeds * 0.85);
    }

    [Fact]
    public void EveryFailureOutsideIsCleanedUp()
    {
        var established = 0;
        for (ulong seed = 1; seed <= 200; seed++)
        {
            var network = new SimulatedNetwork(seed) { Link = new LinkOptions { Loss = 0.1, MostLatency = TimeSpan.FromMilliseconds(100) } };
            var outside = new OutsideOptions { MostDelay = TimeSpan.FromMilliseconds(30), Failures = 0.12 };
            var headend = Headend(network, outside, Profile() with { RemoteEap = true, CertificateThenEap = SecondAuthentication.Required });
            established += Run(seed, network, headend, Client(network, Credential("p256"), "key-id alice")) ? 1 : 0;
        }

        Assert.InRange(established, 20, 180);
    }

    [Theory]
    [InlineData(CertificateVerdict.Refused, IkeFailure.CertificateRefused)]
    [InlineData(CertificateVerdict.WrongIdentity, IkeFailure.CertificateOfAnother)]
    [InlineData(CertificateVerdict.StatusUnknown, IkeFailure.CertificateStatusUnknown)]
    public void WhateverTheVerdictThePeerLearnsTheSame(CertificateVerdict verdict, IkeFailure failure)
    {
        var network = new SimulatedNetwork(4);
        var headend = Headend(network, new OutsideOptions { Certificates = _ => verdict }, Profile() with { PskRefusalDelay = TimeSpan.FromSeconds(3), RemotePreSharedKey = true });
        var client = Client(network, Credential("p256"));
        var began = network.Now;
        client.Start();
        Assert.True(network.RunUntil(() => client.Initiator.Outcome is not InitiatorOutcome.Pending, TimeSpan.FromSeconds(60)));
        Assert.True(network.Now - began >= TimeSpan.FromSeconds(3));
        Refused(client, headend, failure);
    }

    [Fact]
    public void WithoutCertificateWithTooManyAndWithUrlsItIsRefusedBeforeAnythingIsVerified()
    {
        var good = Credential("p256");
        foreach (var bad in (InitiatorCertificate[])[
            good with { Chain = [] },
            good with { Chain = [.. Enumerable.Repeat(good.Chain[0], 9)] },
            good with { Chain = [good.Chain[0], new byte[12_000], new byte[8_500]] },
            good with { Encoding = CertificateEncoding.HashAndUrl },
            good with { Encoding = CertificateEncoding.Pkcs7 }])
        {
            var network = new SimulatedNetwork(5);
            var headend = Headend(network, new OutsideOptions { Certificates = _ => throw new InvalidOperationException("asked") }, Profile());
            var client = Client(network, bad);
            Assert.False(Run(5, network, headend, client));
            Refused(client, headend, IkeFailure.CertificateRefused);
        }
    }

    /// <summary>As many octets as docs/certificates.md says, in fragments.</summary>
    [Fact]
    public void AsManyOctetsAsTheLimitSaysLogIn()
    {
        var network = new SimulatedNetwork(12);
        var headend = Headend(network, new OutsideOptions(), Profile());
        var good = Credential("p256");
        var client = Client(network, good with { Chain = [good.Chain[0], new byte[(20 * 1024) - good.Chain[0].Length]] });
        Assert.True(Run(12, network, headend, client), client.Initiator.Outcome.ToString());
    }

    /// <summary>More than any message of a stranger may have: the client and the log hear of it at once, not after a timeout.</summary>
    [Fact]
    public void MoreThanFragmentsMayMakeIsRefusedByName()
    {
        var network = new SimulatedNetwork(13);
        var headend = Headend(network, new OutsideOptions { Certificates = _ => throw new InvalidOperationException("asked") }, Profile());
        var good = Credential("p256");
        var client = Client(network, good with { Chain = [good.Chain[0], new byte[13_000], new byte[13_000]] });
        client.Start();
        Assert.True(network.RunUntil(() => client.Initiator.Outcome is not InitiatorOutcome.Pending, TimeSpan.FromSeconds(5)));
        Refused(client, headend, IkeFailure.MessageTooLarge);
        Assert.Contains("24576", headend.Observer.Failures[0].Detail, StringComparison.Ordinal);
        Assert.Equal(0, headend.Endpoint.Counts.HalfOpen);
    }

    [Fact]
    public void ACertificateIsRefusedWhereTheProfileWantsAnotherMethod()
    {
        foreach (var profile in (IkeProfile[])[EndpointPair.Profile("eap"), Profile() with { RemoteCertificate = false, RemotePreSharedKey = true }])
        {
            var network = new SimulatedNetwork(6);
            var headend = Headend(network, new OutsideOptions { Certificates = _ => throw new InvalidOperationException("asked") }, profile with { LocalTraffic = [] });
            var client = Client(network, Credential("p256"));
            Assert.False(Run(6, network, headend, client));
            Refused(client, headend, IkeFailure.MethodNotAllowed);
        }
    }

    /// <summary>RFC 7296 3.7: "SHA-1 hashes of the public keys of trusted Certification Authorities (CAs)", of all profiles once.</summary>
    [Fact]
    public void CertreqNamesTheAuthoritiesOfAllProfiles()
    {
        byte[] one = [.. Enumerable.Repeat((byte)1, 20)], two = [.. Enumerable.Repeat((byte)2, 20)];
        var first = Profile() with { CertificateAuthorities = [one] };
        var second = Profile() with { Name = "second", CertificateAuthorities = [two, one] };
        Assert.Equal([.. one, .. two], Request(first, second)!.Authorities.ToArray());
        Assert.Equal(CertificateEncoding.X509Signature, Request(first)!.Encoding);
        Assert.Null(Request(EndpointPair.Profile("eap")));

        // Too many for a message that cannot be fragmented: any is asked for.
        var many = Profile() with { CertificateAuthorities = [.. Enumerable.Range(0, 17).Select(i => (ReadOnlyMemory<byte>)Enumerable.Repeat((byte)i, 20).ToArray())] };
        Assert.Equal(0, Request(many)!.Authorities.Length);

        static CertificateRequestPayload? Request(params IkeProfile[] profiles)
        {
            var network = new SimulatedNetwork(7);
            var client = Client(network, Credential("p256"));
            Run(7, network, Headend(network, new OutsideOptions(), profiles), client);
            return client.Initiator.InitialResponse!.First<CertificateRequestPayload>();
        }
    }

    /// <summary>RFC 4739 2.1: MULTIPLE_AUTH_SUPPORTED in the IKE_SA_INIT response; AUTH of the second round covers the second IDi.</summary>
    [Theory]
    [InlineData(SecondAuthentication.Allowed)]
    [InlineData(SecondAuthentication.Required)]
    public void EapAfterTheCertificate(SecondAuthentication then)
    {
        var network = new SimulatedNetwork(8);
        var headend = Headend(network, new OutsideOptions(), Profile() with { RemoteEap = true, CertificateThenEap = then });
        var client = Client(network, Credential("rsa"), "email alice@example.com");
        Assert.True(Run(8, network, headend, client), client.Initiator.Outcome.ToString());
        Assert.NotNull(client.Initiator.InitialResponse!.Notify(NotifyType.MultipleAuthSupported));
        var sa = Assert.Single(headend.Endpoint.Describe());
        Assert.Equal(("certificate+EAP-MSCHAPv2", "alice"), (sa.Method, sa.User));
        Assert.Contains("X", sa.Capabilities);
    }

    [Fact]
    public void ARefusedSecondAuthenticationLetsNobodyIn()
    {
        var network = new SimulatedNetwork(9);
        var headend = Headend(network, new OutsideOptions(), Profile() with { RemoteEap = true, CertificateThenEap = SecondAuthentication.Required });
        var options = Options(network, Credential("rsa"), "key-id alice") with { Password = "wrong" };
        var client = new SimulatedClient(network, options, s_client, s_headend);
        Assert.False(Run(9, network, headend, client));
        Refused(client, headend, IkeFailure.EapFailed);
    }

    [Fact]
    public void WhoHasOnlyOneOfTwoIsRefused()
    {
        var both = Profile() with { RemoteEap = true, CertificateThenEap = SecondAuthentication.Required };
        Assert.Equal(IkeFailure.MethodNotAllowed, Failure(both, n => Client(n, Credential("p256"))));
        Assert.Equal(IkeFailure.MethodNotAllowed, Failure(both, n => Client(n, null)));

        // Nothing comes second where the profile takes certificates alone, nor after EAP.
        Assert.Equal(IkeFailure.MethodNotAllowed, Failure(Profile(), n => Client(n, Credential("p256"), "key-id alice")));
        Assert.Equal(
            IkeFailure.MethodNotAllowed,
            Failure(both with { CertificateThenEap = SecondAuthentication.Allowed }, n => new SimulatedClient(n, Options(n, null, null) with { AnnouncesTooMuch = true }, s_client, s_headend)));
        Assert.Equal(
            IkeFailure.MethodNotAllowed,
            Failure(Profile() with { RemotePreSharedKey = true }, n => new SimulatedClient(n, Options(n, null, null) with { PreSharedKey = [1], AnnouncesTooMuch = true }, s_client, s_headend)));

        static IkeFailure Failure(IkeProfile profile, Func<SimulatedNetwork, SimulatedClient> make)
        {
            var network = new SimulatedNetwork(10);
            var headend = Headend(network, new OutsideOptions(), profile);
            var client = make(network);
            Assert.False(Run(10, network, headend, client), client.Initiator.Outcome.ToString());
            Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(client.Initiator.Outcome).Notify);
            return Assert.Single(headend.Observer.Failures).Failure;
        }
    }

    [Fact]
    public void AClientThatGoesAwayBetweenTheTwoLeavesNothing()
    {
        var network = new SimulatedNetwork(11);
        var headend = Headend(network, new OutsideOptions(), Profile() with { RemoteEap = true, CertificateThenEap = SecondAuthentication.Allowed });
        var client = Client(network, Credential("p256"), "key-id alice");
        client.Start();
        Assert.True(network.RunUntil(() => client.Initiator.Stage == InitiatorStage.Eap, TimeSpan.FromSeconds(10)));
        network.Detach(s_client);
        network.RunFor(TimeSpan.FromMinutes(3));
        Assert.Empty(headend.Endpoint.Table.All);
        Assert.Equal(0, headend.Endpoint.Counts.HalfOpen);
        Assert.Equal(0, headend.Outside.Open);
    }

    private static void Refused(SimulatedClient client, SimulatedHeadend headend, IkeFailure failure)
    {
        Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(client.Initiator.Outcome).Notify);
        Assert.Equal(failure, Assert.Single(headend.Observer.Failures).Failure);
        Assert.Equal(0, headend.Outside.Open);
        Assert.Empty(headend.Endpoint.Table.All);
    }

    private static bool Run(ulong seed, SimulatedNetwork network, SimulatedHeadend headend, SimulatedClient client)
    {
        client.Start();
        network.RunFor(TimeSpan.FromMinutes(2));
        network.Link = network.Link with { Loss = 0, Duplication = 0 };
        network.RunFor(TimeSpan.FromMinutes(4));
        var established = client.Initiator.Outcome is InitiatorOutcome.Established && client.Initiator.Stage == InitiatorStage.Established;
        var story = $"seed {seed}: {client.Initiator.Stage}, {client.Initiator.Outcome}";
        Assert.True(client.Initiator.Outcome is not InitiatorOutcome.Pending, story);
        Assert.Equal(headend.Outside.Outstanding, headend.Endpoint.PendingOperations);
        Assert.Equal(0, headend.Endpoint.Counts.HalfOpen);
        Assert.True(headend.Endpoint.Describe().Count == (established ? 1 : 0), story);
        Assert.True(headend.Outside.Open == (established ? 1 : 0), story);
        return established;
    }

    private static IkeProfile Profile() => EndpointPair.Profile("certified") with { LocalTraffic = [], RemoteEap = false, RemoteCertificate = true };

    private static SimulatedHeadend Headend(SimulatedNetwork network, OutsideOptions outside, params IkeProfile[] profiles) => new(
        network,
        new IkeEndpointOptions { Profiles = profiles },
        new ToyCryptoProvider(network.Random.Next()),
        new ScriptedOutside(outside),
        new IPEndPoint(s_headend, 500),
        new IPEndPoint(s_headend, 4500));

    private static InitiatorCertificate Credential(string scheme)
    {
        var subject = new TestSubject("CN=laptop") { DnsNames = ["laptop.example"] };
        if (scheme == "ed25519")
            return InitiatorCertificate.With([s_authority.Issue(subject, s_edwards.Public).RawDataMemory], s_edwards);
        AsymmetricAlgorithm key = scheme.Split('-')[0] switch { "rsa" => s_rsa, "p256" => s_p256, "p384" => s_p384, _ => s_p521 };
        var signature = scheme.EndsWith("old", StringComparison.Ordinal) ? InitiatorSignature.Old
            : scheme.EndsWith("pss", StringComparison.Ordinal) ? InitiatorSignature.DigitalPss : InitiatorSignature.Digital;
        return InitiatorCertificate.With([s_authority.Issue(subject, key).RawDataMemory], key, signature);
    }

    private static SimulatedClient Client(SimulatedNetwork network, InitiatorCertificate? certificate, string? second = null) =>
        new(network, Options(network, certificate, second), s_client, s_headend);

    private static TestInitiatorOptions Options(SimulatedNetwork network, InitiatorCertificate? certificate, string? second)
    {
        IkeIdentity? identity = null;
        Assert.True(second is null || IkeIdentity.TryParse(second, out identity));
        return new TestInitiatorOptions
        {
            Identity = new IkeIdentity(IdType.Fqdn, "laptop.example"u8),
            User = "alice",
            Password = "secret",
            Certificate = certificate,
            SecondIdentity = identity,
            Crypto = new ToyCryptoProvider(network.Random.Next()),
        };
    }
}
