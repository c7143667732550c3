using System.Buffers.Binary;
using System.Net;
using BenchmarkDotNet.Attributes;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Simulation;

namespace Headend.Bench;

/// <summary>What a stranger's IKE_SA_INIT costs: reading it, and answering it with the key agreement.</summary>
[MemoryDiagnoser]
public class IkeBenchmarks
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(1);

    private readonly IkePath path = new(new IPEndPoint(IPAddress.Parse("198.51.100.1"), 4500), new IPEndPoint(IPAddress.Parse("192.0.2.1"), 4500), true);
    private byte[] request = [];
    private IkeEndpoint endpoint = null!;
    private MonotonicTime now = new(1);
    private ulong spi = 1;

    [Params("x25519", "ecp256", "modp2048")]
    public string Group { get; set; } = "x25519";

    [GlobalSetup]
    public void SetUp()
    {
        var profile = EndpointPair.Profile("bench") with { IkeProposals = [ProposalParser.ParseIke($"aes256-sha256-{Group}")] };
        endpoint = new IkeEndpoint(
            new IkeEndpointOptions { Profiles = [profile], HalfOpenLimit = 1_000_000, HalfOpenPerSourceLimit = 1_000_000, CookieThreshold = 1_000_000 },
            SystemCryptoProvider.Instance,
            new RecordingObserver());
        var options = new TestInitiatorOptions
        {
            Identity = new IkeIdentity(IdType.Fqdn, "bench"u8),
            User = "bench",
            Password = "bench",
            IkeProposals = profile.IkeProposals,
        };
        var initiator = new TestInitiator(options, path);
        initiator.Start(now);
        initiator.TryTake(out var first);
        request = first.Octets;
    }

    [Benchmark]
    public bool Decode() => IkeHeader.TryRead(request, out var header, out _) && UnprotectedMessage.TryParse(request, header, out _, out _);

    /// <summary>Half-open SAs expire 30,000 steps later, so that their number stays bounded.</summary>
    [Benchmark]
    public int SaInit()
    {
        now += Step;
        BinaryPrimitives.WriteUInt64BigEndian(request, ++spi);
        endpoint.Advance(now);
        endpoint.Handle(new IkeDatagram(request, path), now);
        var transmitted = 0;
        while (endpoint.TryTake(out var effect))
        {
            if (effect is KeyAgreementEffect agreement)
                endpoint.Handle(agreement.Perform(SystemCryptoProvider.Instance), now);
            else if (effect is TransmitEffect)
                transmitted++;
        }

        return transmitted;
    }
}
