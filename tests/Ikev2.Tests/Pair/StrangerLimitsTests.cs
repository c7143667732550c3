using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using Headend.Eap;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;
using Headend.TestKit.Eap;
using Headend.TestKit.Initiator;
using Headend.TestKit.Pki;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>What somebody who has proven nothing may make us hold, in octets and in time.</summary>
public class StrangerLimitsTests
{
    private static readonly IPAddress s_headend = IPAddress.Parse("192.0.2.1");
    private static readonly IPEndPoint s_client = new(IPAddress.Parse("198.51.100.10"), 4500);

    /// <summary>RFC 7296 2.5: unknown payloads that are not critical are passed over, so that they can fill a datagram.</summary>
    [Theory]
    [InlineData(60_000, false)]
    [InlineData(60_000, true)]
    [InlineData(8_192, false)]
    public void AnInitialRequestOverTheLimitIsDroppedBeforeAnythingIsKept(int octets, bool crowd)
    {
        var network = new SimulatedNetwork(1);
        var headend = Headend(network, new OutsideOptions());
        headend.CrowdAtTheDoor = crowd;
        var client = Client(network, o => o with { FurtherInitial = [Padding(octets)] });
        client.Start();
        network.RunFor(TimeSpan.FromSeconds(10));
        Assert.Equal(0, headend.Endpoint.Counts.HalfOpen);
        Assert.Empty(headend.Endpoint.Table.All);
        Assert.NotEmpty(headend.Observer.Discards);
        Assert.All(headend.Observer.Discards, d => Assert.Equal(DiscardReason.TooLarge, d.Reason));
        Assert.Equal(client.Initiator.Retransmissions + 1, network.Sent);
    }

    [Fact]
    public void SoIsOneWithATicket()
    {
        var network = new SimulatedNetwork(2);
        var headend = Headend(network, new OutsideOptions());
        var request = UnprotectedMessage.Write(
            new IkeHeader(new IkeSpi(1), default, default, 2, 0, ExchangeType.IkeSessionResume, IkeHeaderFlags.Initiator, 0, 0),
            [new NoncePayload(new byte[32]), new NotifyPayload(NotifyType.TicketOpaque, new byte[20_000])]);
        headend.Do((endpoint, now) => endpoint.Handle(new IkeDatagram(request, new IkePath(new IPEndPoint(s_headend, 500), s_client, false)), now));
        Assert.Equal(DiscardReason.TooLarge, Assert.Single(headend.Observer.Discards).Reason);
        Assert.Empty(headend.Observer.Failures);
    }

    [Fact]
    public void LargeRequestsWithinTheLimitsLogIn()
    {
        var network = new SimulatedNetwork(3);
        var headend = Headend(network, new OutsideOptions());
        var client = Client(network, o => o with { FurtherInitial = [Padding(7_000)], FurtherFirst = [Padding(23_000)] });
        client.Start();
        network.RunFor(TimeSpan.FromSeconds(10));
        Assert.IsType<InitiatorOutcome.Established>(client.Initiator.Outcome);
        Assert.Equal(1, headend.Outside.SessionsUp);
    }

    [Fact]
    public void AMessageInOneDatagramIsBoundAsFragmentsAre()
    {
        var network = new SimulatedNetwork(4);
        var headend = Headend(network, new OutsideOptions());
        var client = Client(network, o => o with { FurtherFirst = [Padding(30_000)], FragmentOctets = 60_000 });
        client.Start();
        network.RunFor(TimeSpan.FromSeconds(10));
        Assert.Equal(IkeSaPhase.ExpectAuth, Assert.Single(headend.Endpoint.Table.All).Phase);
        Assert.Equal(0, headend.Outside.Open);
        Assert.NotEmpty(headend.Observer.Discards);
        Assert.All(headend.Observer.Discards, d => Assert.Equal(DiscardReason.TooLarge, d.Reason));
        Assert.Contains("24576", headend.Observer.Discards[0].Detail, StringComparison.Ordinal);
    }

    /// <summary>Through EAP, which lasts minutes, an IKE SA weighs what it needs, not what the first IKE_AUTH request weighed.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatWaitsForEapHoldsNothingOfTheMessage(bool certificateFirst)
    {
        var network = new SimulatedNetwork(5);
        var headend = Headend(
            network, new OutsideOptions(), p => p with { RemoteCertificate = certificateFirst, CertificateThenEap = certificateFirst ? SecondAuthentication.Allowed : default });
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var leaf = TestAuthority.Create("CN=Test CA").Issue(new TestSubject("CN=laptop") { DnsNames = ["laptop.example"] }, key);
        var silent = new ScriptedPeer(_ => null);
        var client = Client(network, o => o with
        {
            Certificate = certificateFirst ? InitiatorCertificate.With([leaf.RawDataMemory], key, InitiatorSignature.Digital) : null,
            SecondIdentity = certificateFirst ? new IkeIdentity(IdType.KeyId, "alice"u8) : null,
            ApplicationVersion = new byte[1000],
            FurtherFirst = [Padding(20_000)],
            EapPeer = _ => silent,
        });
        client.Start();
        Assert.True(network.RunUntil(() => silent.Asked > 0, TimeSpan.FromSeconds(10)), client.Initiator.Outcome.ToString());
        var sa = Assert.Single(headend.Endpoint.Table.All);
        var state = Assert.IsType<IkeSaState.ExpectEapResponse>(sa.State);
        Assert.InRange(Weight(sa), 500, 8_000);
        Assert.True(state.Request.Asked!.Has(ConfigurationAttributeType.InternalIp4Address));
        Assert.Equal(2, state.Request.Traffic.Initiator.Count);
    }

    /// <summary>RFC 3748 4.1: a response with a wrong identifier is silently discarded: it is no progress.</summary>
    [Fact]
    public void WhatEapDiscardsDoesNotProlongTheLogin()
    {
        var network = new SimulatedNetwork(6);
        var headend = Headend(network, new OutsideOptions());
        var asked = default(MonotonicTime);
        var peer = new ScriptedPeer(request =>
        {
            asked = asked.Ticks == 0 ? network.Now : asked;
            return EapPacket.Response((byte)(request[1] + 100), EapType.Identity, "alice"u8);
        });
        var client = Slow(network, peer);
        Assert.True(network.RunUntil(() => asked.Ticks != 0, TimeSpan.FromSeconds(10)));
        Slowly(network, 40);
        Assert.True(network.RunUntil(() => headend.Observer.Failures.Count > 0, TimeSpan.FromHours(1)));
        Assert.Equal(IkeFailure.EapTimedOut, Assert.Single(headend.Observer.Failures).Failure);
        Assert.InRange((network.Now - asked).TotalSeconds, 80, 91);
        Assert.Equal(2, peer.Asked + client.Initiator.Retransmissions);
        Assert.Equal(0, headend.Endpoint.Counts.HalfOpen);
    }

    /// <summary>However promptly each question is answered: ten times the EAP timeout, 15 minutes here.</summary>
    [Fact]
    public void EapWithoutEndEnds()
    {
        var network = new SimulatedNetwork(7);
        byte identifier = 0;
        var headend = Headend(network, new OutsideOptions { Eap = _ => new EapOutcome.Request(EapPacket.Request(++identifier, EapType.Identity, [])) });
        var began = network.Now;
        var client = Slow(network, new ScriptedPeer(request => EapPacket.Response(request[1], EapType.Identity, "alice"u8)));
        Assert.True(network.RunUntil(() => client.Initiator.Stage == InitiatorStage.Eap, TimeSpan.FromSeconds(10)));
        Slowly(network, 20);
        network.RunFor(TimeSpan.FromSeconds(885));
        Assert.Equal(1, headend.Endpoint.Counts.HalfOpen);
        Assert.Empty(headend.Observer.Failures);
        Assert.True(network.RunUntil(() => headend.Observer.Failures.Count > 0, TimeSpan.FromHours(3)));
        Assert.InRange((network.Now - began).TotalSeconds, 899, 901);
        var (failure, detail) = Assert.Single(headend.Observer.Failures);
        Assert.Equal(IkeFailure.EapTimedOut, failure);
        Assert.Contains("10 times the profile's EAP timeout", detail, StringComparison.Ordinal);
        Assert.Equal(detail, Assert.Single(headend.Outside.Ended).Detail);
        Assert.Equal(0, headend.Endpoint.Counts.HalfOpen);
    }

    /// <summary>A push, or a RADIUS server that is slow, is not cut short: the time for all of EAP is looked at when the client is to answer again.</summary>
    [Fact]
    public void AnswersOfAaaMayTakeTheirTime()
    {
        var network = new SimulatedNetwork(8);
        var outside = new OutsideOptions();
        var headend = Headend(network, outside);
        var client = Slow(network, null);
        Assert.True(network.RunUntil(() => client.Initiator.Stage == InitiatorStage.Eap, TimeSpan.FromSeconds(10)));
        outside.MostDelay = TimeSpan.FromSeconds(170);
        network.RunFor(TimeSpan.FromMinutes(20));
        Assert.True(client.Initiator.Outcome is InitiatorOutcome.Established, $"{client.Initiator.Outcome}, {string.Join(' ', headend.Observer.Failures)}");
    }

    private static UnknownPayload Padding(int octets) => new(new PayloadType(200), critical: false, new byte[octets]);

    private static void Slowly(SimulatedNetwork network, int seconds) =>
        network.Link = new LinkOptions { LeastLatency = TimeSpan.FromSeconds(seconds), MostLatency = TimeSpan.FromSeconds(seconds) };

    /// <summary>A client that sends nothing twice and waits for ever.</summary>
    private static SimulatedClient Slow(SimulatedNetwork network, IEapPeer? peer)
    {
        var client = Client(network, o => o with
        {
            EapPeer = peer is null ? null : _ => peer,
            RetransmitInterval = TimeSpan.FromHours(1),
            LoginTimeout = TimeSpan.FromHours(5),
        });
        client.Start();
        return client;
    }

    private static SimulatedClient Client(SimulatedNetwork network, Func<TestInitiatorOptions, TestInitiatorOptions> change) => new(
        network,
        change(new TestInitiatorOptions
        {
            Identity = new IkeIdentity(IdType.Fqdn, "laptop.example"u8),
            User = "alice",
            Password = "secret",
            Crypto = new ToyCryptoProvider(network.Random.Next()),
        }),
        s_client,
        s_headend);

    private static SimulatedHeadend Headend(SimulatedNetwork network, OutsideOptions outside, Func<IkeProfile, IkeProfile>? change = null)
    {
        var profile = EndpointPair.Profile("laptops") with { LocalTraffic = [] };
        return new SimulatedHeadend(
            network,
            new IkeEndpointOptions { Profiles = [change is null ? profile : change(profile)] },
            new ToyCryptoProvider(network.Random.Next()),
            new ScriptedOutside(outside),
            new IPEndPoint(s_headend, 500),
            new IPEndPoint(s_headend, 4500));
    }

    /// <summary>Octets of all octet arrays that an object keeps alive, the endpoint and its profiles aside.</summary>
    private static long Weight(object root)
    {
        long octets = 0;
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var rest = new Stack<object>([root]);
        while (rest.TryPop(out var next))
        {
            if (next is IkeEndpoint or IkeProfile or MemberInfo or Delegate or string or IPAddress || !seen.Add(next))
                continue;
            if (next is byte[] array)
            {
                octets += array.Length;
                continue;
            }

            if (next is Array elements && !elements.GetType().GetElementType()!.IsPrimitive)
            {
                foreach (var element in elements)
                {
                    if (element is not null)
                        rest.Push(element);
                }
            }

            for (var type = next.GetType(); type is not null && !type.IsArray; type = type.BaseType)
            {
                foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                {
                    if (!field.FieldType.IsPrimitive && !field.FieldType.IsPointer && !field.FieldType.IsByRefLike && field.GetValue(next) is { } value)
                        rest.Push(value);
                }
            }
        }

        return octets;
    }

    /// <summary>Answers every packet as scripted, or not at all.</summary>
    private sealed class ScriptedPeer(Func<byte[], byte[]?> answer) : IEapPeer
    {
        public int Asked { get; private set; }

        public EapPeerStep Handle(ReadOnlySpan<byte> request)
        {
            Asked++;
            return answer(request.ToArray()) is { } response ? new EapPeerStep(response, null, null) : new EapPeerStep(null, null, "silent");
        }
    }
}
