using System.Buffers.Binary;
using System.Net;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Endpoint;

/// <summary>What a UDP datagram on one of the IKE ports is.</summary>
public enum DatagramKind
{
    /// <summary>An IKE message; on the NAT traversal port behind a marker of <see cref="DatagramClassifier.MarkerOctets"/>.</summary>
    Ike,

    /// <summary>UDP-encapsulated ESP.</summary>
    Esp,

    /// <summary>A NAT keepalive (RFC 3948 2.3); ignored.</summary>
    Keepalive,

    /// <summary>Too short for anything.</summary>
    Runt,
}

/// <summary>Tells IKE from ESP and finds the shard, before anything is parsed or allocated.</summary>
public static class DatagramClassifier
{
    /// <summary>The non-ESP marker: RFC 3948 2.2.</summary>
    public const int MarkerOctets = 4;

    public static DatagramKind Classify(ReadOnlySpan<byte> datagram, bool isNatTraversalPort)
    {
        if (!isNatTraversalPort)
            return datagram.Length >= IkeHeader.Size ? DatagramKind.Ike : DatagramKind.Runt;
        if (datagram.Length == 1 && datagram[0] == 0xff)
            return DatagramKind.Keepalive;
        if (datagram.Length < MarkerOctets)
            return DatagramKind.Runt;
        if (BinaryPrimitives.ReadUInt32BigEndian(datagram) != 0)
            return DatagramKind.Esp;
        return datagram.Length >= MarkerOctets + IkeHeader.Size ? DatagramKind.Ike : DatagramKind.Runt;
    }

    /// <summary>
    /// True for exchanges that only established SAs have. Their queue goes first, so that established sessions never wait behind new logins; a stranger who
    /// forges one costs a table look-up.
    /// </summary>
    public static bool IsOfEstablished(ReadOnlySpan<byte> message)
    {
        if (message.Length < IkeHeader.Size)
            return false;
        var exchange = new ExchangeType(message[18]);
        return exchange == ExchangeType.CreateChildSa || exchange == ExchangeType.Informational;
    }

    /// <summary>See <see cref="IkeEndpoint.ShardOf"/>.</summary>
    public static int ShardOf(ReadOnlySpan<byte> message, IPEndPoint remote, int shardCount)
    {
        ArgumentNullException.ThrowIfNull(remote);
        if (shardCount == 1 || message.Length < IkeHeader.Size)
            return 0;
        var initiator = BinaryPrimitives.ReadUInt64BigEndian(message);
        var responder = BinaryPrimitives.ReadUInt64BigEndian(message[8..]);
        if (responder == 0)
            return (int)((uint)HashCode.Combine(remote.Address, initiator) % (uint)shardCount);
        var fromInitiator = (message[19] & (byte)IkeHeaderFlags.Initiator) != 0;
        return ShardOf(new IkeSpi(fromInitiator ? responder : initiator), shardCount);
    }

    internal static int ShardOf(IkeSpi local, int shardCount) => (int)((local.Value >> 56) % (uint)shardCount);
}
