using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using Headend.Aaa.Authorization;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Dhcp;

/// <summary>
/// DHCP messages (RFC 2131 2), those of a client written and those of a server read.
/// <code>
///   op(1) htype(1) hlen(1) hops(1) xid(4) secs(2) flags(2) ciaddr(4) yiaddr(4) siaddr(4) giaddr(4) chaddr(16) sname(64) file(128) options(variable)
/// </code>
/// </summary>
public static class DhcpCodec
{
    /// <summary>What we say that we take (option 57), octets of UDP payload.</summary>
    public const int MaximumLength = 1472;

    public const int MaximumDnsServers = 8;

    internal const int OptionsOffset = 240;
    internal const int NameOffset = 44;
    internal const int FileOffset = 108;
    internal const int CookieOffset = 236;

    private const byte BootRequest = 1;
    private const byte BootReply = 2;
    private const byte Ethernet = 1;

    /// <summary>RFC 1542 2.1: shorter messages are not to be expected to pass.</summary>
    private const int LeastLength = 300;

    private const uint MagicCookie = 0x63825363;
    private const int MaximumText = 128;

    public static byte[] Write(DhcpRequest message)
    {
        var packet = new byte[LeastLength];
        packet[0] = BootRequest;
        packet[1] = Ethernet;
        packet[2] = DhcpClientIdentity.HardwareAddressLength;
        // We are relay and client in one: a message that has come over its relay has made one hop.
        packet[3] = 1;
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), message.TransactionId);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(8), message.Seconds);
        message.ClientAddress?.TryWriteBytes(packet.AsSpan(12), out _);
        message.Relay.TryWriteBytes(packet.AsSpan(24), out _);
        message.Client.HardwareAddress.Span.CopyTo(packet.AsSpan(28));
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(CookieOffset), MagicCookie);
        var at = OptionsOffset;
        Put(packet, ref at, DhcpOption.MessageType, [message.Type.Value]);
        Put(packet, ref at, DhcpOption.ClientIdentifier, message.Client.Identifier.Span);
        if (message.RequestedAddress is { } requested) Put(packet, ref at, DhcpOption.RequestedAddress, requested.GetAddressBytes());
        if (message.ServerIdentifier is { } server) Put(packet, ref at, DhcpOption.ServerIdentifier, server.GetAddressBytes());
        // RFC 2131 table 5: neither stands in DHCPDECLINE and DHCPRELEASE.
        if (message.Type == DhcpMessageType.Discover || message.Type == DhcpMessageType.Request)
        {
            Put(packet, ref at, DhcpOption.MaximumMessageSize, [MaximumLength >> 8, MaximumLength & 0xFF]);
            Put(packet, ref at, DhcpOption.ParameterRequestList,
            [
                DhcpOption.SubnetMask, DhcpOption.DnsServers, DhcpOption.DomainName, DhcpOption.LeaseTime, DhcpOption.ServerIdentifier, DhcpOption.RenewalTime,
                DhcpOption.RebindingTime,
            ]);
        }
        packet[at] = DhcpOption.End;
        return packet;
    }

    /// <summary>The xid of what may be a message of a server, read before anything else of it is.</summary>
    public static bool TryReadTransaction(ReadOnlySpan<byte> packet, out uint transactionId)
    {
        transactionId = 0;
        if (packet.Length is < OptionsOffset or > MaximumLength || packet[0] != BootReply) return false;
        transactionId = BinaryPrimitives.ReadUInt32BigEndian(packet[4..]);
        return true;
    }

    /// <summary>Reads a message of a server. What is optional and unusable is left out; what is malformed makes the whole message so.</summary>
    public static bool TryRead(ReadOnlySpan<byte> packet, [NotNullWhen(true)] out DhcpReply? reply, out DhcpError error)
    {
        reply = null;
        error = CheckHeader(packet);
        if (error != DhcpError.None || !DhcpOptionTable.TryRead(packet, out var options, out error)) return false;
        error = DhcpError.Option;
        if (!options.TryGetNumber(DhcpOption.MessageType, 1, out var type) || !options.TryGetAddress(DhcpOption.ServerIdentifier, out var server)
            || !options.TryGetTime(DhcpOption.LeaseTime, out var lease) || !options.TryGetTime(DhcpOption.RenewalTime, out var renewal)
            || !options.TryGetTime(DhcpOption.RebindingTime, out var rebinding) || !options.TryGetAddress(DhcpOption.SubnetMask, out var mask)
            || !options.TryGetAddresses(DhcpOption.DnsServers, out var dns)) return false;
        error = DhcpError.Missing;
        if (type is null || server is null) return false;
        error = DhcpError.None;
        reply = new DhcpReply
        {
            Type = new DhcpMessageType((byte)type),
            TransactionId = BinaryPrimitives.ReadUInt32BigEndian(packet[4..]),
            HardwareAddress = packet.Slice(28, DhcpClientIdentity.HardwareAddressLength).ToArray(),
            YourAddress = new IPAddress(packet.Slice(16, 4)),
            ServerIdentifier = server,
            LeaseTime = lease,
            RenewalTime = renewal,
            RebindingTime = rebinding,
            Netmask = mask is not null && IsMask(mask) ? mask : null,
            DnsServers = [.. dns.Where(IsHost).Distinct().Take(MaximumDnsServers)],
            Domain = DomainOf(options.Find(DhcpOption.DomainName)),
            Message = TextOf(options.Find(DhcpOption.Message)),
        };
        return true;
    }

    /// <summary>True for what can be a host's address: not "this network", loopback, link-local, multicast or above.</summary>
    public static bool IsHost(IPAddress address)
    {
        Span<byte> octets = stackalloc byte[16];
        return address.TryWriteBytes(octets, out var length) && length == 4
            && octets[0] is not (0 or 127 or >= 224) && !(octets[0] == 169 && octets[1] == 254);
    }

    private static DhcpError CheckHeader(ReadOnlySpan<byte> packet)
    {
        if (packet.Length is < OptionsOffset or > MaximumLength) return DhcpError.Length;
        if (packet[0] != BootReply || packet[1] != Ethernet || packet[2] != DhcpClientIdentity.HardwareAddressLength) return DhcpError.Header;
        return BinaryPrimitives.ReadUInt32BigEndian(packet[CookieOffset..]) == MagicCookie ? DhcpError.None : DhcpError.Cookie;
    }

    private static bool IsMask(IPAddress mask)
    {
        Span<byte> octets = stackalloc byte[4];
        if (!mask.TryWriteBytes(octets, out _)) return false;
        var hosts = ~BinaryPrimitives.ReadUInt32BigEndian(octets);
        return (hosts & (hosts + 1)) == 0 && hosts != uint.MaxValue;
    }

    // Some servers end texts with a NUL, which RFC 2132 2 tells receivers to bear.
    private static string? DomainOf(ReadOnlySpan<byte> octets) =>
        RadiusText.TryDecode(octets.TrimEnd((byte)0), out var text) && AttributeParser.TryParseDomain(text, out var domain) ? domain : null;

    private static string? TextOf(ReadOnlySpan<byte> octets)
    {
        octets = octets.TrimEnd((byte)0);
        if (octets.Length > MaximumText) octets = octets[..MaximumText];
        return octets.IsEmpty ? null : string.Create(octets.Length, octets, static (text, from) =>
        {
            for (var i = 0; i < text.Length; i++) text[i] = from[i] is >= 0x20 and < 0x7F ? (char)from[i] : '?';
        });
    }

    private static void Put(byte[] packet, ref int at, byte code, ReadOnlySpan<byte> value)
    {
        packet[at] = code;
        packet[at + 1] = (byte)value.Length;
        value.CopyTo(packet.AsSpan(at + 2));
        at += 2 + value.Length;
    }
}
