using System.Net;
using System.Security.Cryptography;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Tests.Support;

/// <summary>Matching parameters for both ends.</summary>
internal static class Sa
{
    public static readonly EspAlgorithm Gcm256 = Algorithm("aes256gcm16");

    public static EspAlgorithm Algorithm(string name) => EspAlgorithmTable.Rows.Single(row => row.Name == name);

    public static EspKeys Keys(EspAlgorithm algorithm) =>
        new(RandomNumberGenerator.GetBytes(algorithm.EncryptionKeyLength), RandomNumberGenerator.GetBytes(algorithm.IntegrityKeyLength));

    /// <summary>Parameters of the headend and of its client; everything may be sent.</summary>
    public static (EspSaParameters Headend, EspSaParameters Client) Pair(EspAlgorithm algorithm, uint spi, string client = "10.99.0.0/16", string lan = "10.10.0.0/16")
    {
        var (one, two) = (Keys(algorithm), Keys(algorithm));
        var lanSide = EspSelector.FromNetwork(IPNetwork.Parse(lan));
        var clientSide = EspSelector.FromNetwork(IPNetwork.Parse(client));
        var headend = new EspSaParameters
        {
            InboundSpi = spi,
            OutboundSpi = spi + 1,
            Algorithm = algorithm,
            InboundKeys = one,
            OutboundKeys = two,
            LocalSelectors = [lanSide],
            RemoteSelectors = [clientSide],
        };
        return (headend, headend with { InboundSpi = spi + 1, OutboundSpi = spi, InboundKeys = two, OutboundKeys = one, LocalSelectors = [clientSide], RemoteSelectors = [lanSide] });
    }
}
