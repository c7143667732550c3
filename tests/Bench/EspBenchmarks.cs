using System.Net;
using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Headend.VirtualAccess.DataPlane;

namespace Headend.Bench;

/// <summary>One ESP packet sealed, and one sealed and opened, without system calls: the cipher's share of a packet.</summary>
[MemoryDiagnoser]
public class EspBenchmarks
{
    private const int InnerLength = 1400;
    private readonly byte[] inner = new byte[InnerLength];
    private byte[] packet = [];
    private EspSa sender = null!;
    private EspSa receiver = null!;

    [Params("aes128gcm16", "aes256gcm16", "chacha20poly1305", "aes256-sha256")]
    public string Algorithm { get; set; } = "";

    [GlobalSetup]
    public void SetUp()
    {
        var algorithm = EspAlgorithmTable.Rows.Single(row => row.Name == Algorithm);
        var keys = new EspKeys(RandomNumberGenerator.GetBytes(algorithm.EncryptionKeyLength), RandomNumberGenerator.GetBytes(algorithm.IntegrityKeyLength));
        var any = EspSelector.FromNetwork(IPNetwork.Parse("0.0.0.0/0"));
        var parameters = new EspSaParameters
        {
            InboundSpi = 0x1000,
            OutboundSpi = 0x1000,
            Algorithm = algorithm,
            InboundKeys = keys,
            OutboundKeys = keys,
            LocalSelectors = [any],
            RemoteSelectors = [any],
            ReplayWindow = 0,
        };
        (sender, receiver) = (new EspSa(parameters, 1), new EspSa(parameters, 2));
        packet = new byte[EspCodec.SealedLength(algorithm, InnerLength)];
        inner[0] = 0x45;
        (inner[2], inner[3]) = (InnerLength >> 8, InnerLength & 255);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        sender.Dispose();
        receiver.Dispose();
    }

    /// <summary>The sequence number is set back: 2^32 iterations would otherwise end the SA.</summary>
    [Benchmark]
    public int Seal()
    {
        inner.CopyTo(packet.AsSpan(EspCodec.HeaderLength + sender.Algorithm.IvLength));
        sender.Sequence = 1;
        return (int)sender.Seal(packet, InnerLength, EspCodec.NextHeaderIPv4, out _);
    }

    [Benchmark]
    public int SealAndOpen()
    {
        Seal();
        return (int)receiver.Open(packet, null, out _, out _, out _, out _);
    }
}
