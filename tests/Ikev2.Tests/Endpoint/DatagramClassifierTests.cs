using System.Net;
using Headend.Ikev2.Endpoint;

namespace Headend.Ikev2.Tests.Endpoint;

public sealed class DatagramClassifierTests
{
    /// <summary>RFC 3948 2.2, 2.3: four zero octets before IKE, one octet FF for a keepalive, everything else ESP.</summary>
    [Theory]
    [InlineData("ff", true, DatagramKind.Keepalive)]
    [InlineData("", true, DatagramKind.Runt)]
    [InlineData("0000", true, DatagramKind.Runt)]
    [InlineData("0000000001", true, DatagramKind.Runt)]
    [InlineData("00000001aabbccdd", true, DatagramKind.Esp)]
    [InlineData("ff", false, DatagramKind.Runt)]
    public void Tells_what_a_datagram_is(string hex, bool natTraversalPort, DatagramKind kind) =>
        Assert.Equal(kind, DatagramClassifier.Classify(Convert.FromHexString(hex), natTraversalPort));

    [Fact]
    public void An_IKE_message_stands_behind_the_marker_on_the_NAT_traversal_port_alone()
    {
        Assert.Equal(DatagramKind.Ike, DatagramClassifier.Classify(new byte[32], isNatTraversalPort: true));
        Assert.Equal(DatagramKind.Ike, DatagramClassifier.Classify(new byte[28], isNatTraversalPort: false));
    }

    [Fact]
    public void After_IKE_SA_INIT_our_own_SPI_names_the_shard_whoever_is_the_initiator()
    {
        var remote = new IPEndPoint(IPAddress.Loopback, 4500);
        for (var shard = 0; shard < 4; shard++)
        {
            var message = new byte[28];
            message[0] = 0x55;
            message[8] = (byte)(0x80 + shard);
            message[19] = 0x08; // from the initiator: ours is the responder's SPI
            Assert.Equal((0x80 + shard) % 4, DatagramClassifier.ShardOf(message, remote, 4));
            message[19] = 0x20; // from the responder: ours is the initiator's SPI
            Assert.Equal(0x55 % 4, DatagramClassifier.ShardOf(message, remote, 4));
        }
    }
}
