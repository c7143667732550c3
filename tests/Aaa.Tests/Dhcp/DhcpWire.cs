using System.Buffers.Binary;
using System.Net;
using Headend.Aaa.Dhcp;

namespace Headend.Aaa.Tests.Dhcp;

/// <summary>Messages of servers, octet by octet.</summary>
internal static class DhcpWire
{
    public static readonly IPAddress First = IPAddress.Parse("10.10.0.67");
    public static readonly IPAddress Relay = IPAddress.Parse("10.10.0.1");
    public static readonly IPAddress Address = IPAddress.Parse("10.97.0.20");

    public static DhcpClientIdentity Alice { get; } = DhcpClientIdentity.Derive("alice", Relay, 0);

    public static byte[] Option(byte code, params byte[] value) => [code, (byte)value.Length, .. value];

    public static byte[] Option(byte code, IPAddress value) => Option(code, value.GetAddressBytes());

    public static byte[] Seconds(byte code, uint value)
    {
        var octets = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(octets, value);
        return Option(code, octets);
    }

    /// <summary>Header, cookie and these options; the end option is the caller's.</summary>
    public static byte[] Reply(uint transaction, IPAddress yours, params byte[][] options)
    {
        var packet = new byte[240];
        packet[0] = 2;
        packet[1] = 1;
        packet[2] = 6;
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), transaction);
        yours.GetAddressBytes().CopyTo(packet, 16);
        Alice.HardwareAddress.CopyTo(packet.AsMemory(28));
        ((byte[])[99, 130, 83, 99]).CopyTo(packet, 236);
        return [.. packet, .. options.SelectMany(o => o)];
    }

    /// <summary>A whole lease of an hour with everything that is read.</summary>
    public static byte[] Full(DhcpMessageType type, uint transaction) => Reply(
        transaction, Address, Option(53, type.Value), Option(54, First), Seconds(51, 3600), Seconds(58, 1000), Seconds(59, 2000), Option(1, 255, 255, 255, 0),
        Option(6, 10, 10, 0, 53, 10, 10, 0, 54), Option(15, "corp.example\0"u8.ToArray()), Option(12, 1, 2, 3), [0, 0], [255]);

    public static DhcpReply Read(byte[] packet) =>
        DhcpCodec.TryRead(packet, out var reply, out var error) ? reply : throw new InvalidOperationException(error.ToString());
}
