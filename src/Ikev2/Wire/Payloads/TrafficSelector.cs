using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Headend.Ikev2.Wire;

/// <summary>
/// A range of addresses, ports and one protocol: RFC 7296 3.13.1. For ICMP and ICMPv6 a port holds the message type in its upper
/// and the code in its lower octet, so that ranges of them intersect as numbers.
/// </summary>
/// <param name="Protocol">IP protocol number; 0 is any.</param>
/// <param name="StartPort">With <paramref name="EndPort"/>: 0 to 65535 is ANY, 65535 to 0 is OPAQUE.</param>
public readonly record struct TrafficSelector(byte Protocol, ushort StartPort, ushort EndPort, IPAddress StartAddress, IPAddress EndAddress)
{
    private const byte Icmp = 1;
    private const byte Icmpv6 = 58;

    public bool IPv4 => StartAddress.AddressFamily == AddressFamily.InterNetwork;

    public bool IPv6 => StartAddress.AddressFamily == AddressFamily.InterNetworkV6;

    public bool IsAnyPort => StartPort == 0 && EndPort == ushort.MaxValue;

    /// <summary>The selector covers packets whose port is not available, such as fragments.</summary>
    public bool IsOpaquePort => StartPort == ushort.MaxValue && EndPort == 0;

    /// <summary>More addresses than an IPv4 /8 or an IPv6 /16 has.</summary>
    internal bool IsWide => Number(EndAddress) - Number(StartAddress) >= UInt128.One << (IPv4 ? 24 : 112);

    /// <summary>One address family, and no range that ends before it starts (OPAQUE aside).</summary>
    internal bool IsOrdered =>
        StartAddress.AddressFamily == EndAddress.AddressFamily
        && Number(StartAddress) <= Number(EndAddress)
        && (StartPort <= EndPort || IsOpaquePort);

    /// <summary>Every protocol and port of a network.</summary>
    public static TrafficSelector FromNetwork(IPNetwork network)
    {
        int bits = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        UInt128 hostMask = HostMask(bits - network.PrefixLength);
        return new TrafficSelector(0, 0, ushort.MaxValue, network.BaseAddress, Address(Number(network.BaseAddress) | hostMask, bits));
    }

    /// <summary>The traffic that both cover; false when there is none.</summary>
    public bool TryIntersect(in TrafficSelector other, out TrafficSelector intersection)
    {
        intersection = default;
        if (IPv4 != other.IPv4) return false;
        if (Protocol != 0 && other.Protocol != 0 && Protocol != other.Protocol) return false;
        if (!TryIntersectPorts(other, out ushort startPort, out ushort endPort)) return false;
        IPAddress start = Number(StartAddress) >= Number(other.StartAddress) ? StartAddress : other.StartAddress;
        IPAddress end = Number(EndAddress) <= Number(other.EndAddress) ? EndAddress : other.EndAddress;
        if (Number(start) > Number(end)) return false;
        intersection = new TrafficSelector(Protocol != 0 ? Protocol : other.Protocol, startPort, endPort, start, end);
        return true;
    }

    /// <summary>Whether all traffic of the other is traffic of this.</summary>
    public bool Contains(in TrafficSelector other) => TryIntersect(other, out TrafficSelector both) && both == other;

    /// <summary>Whether the address is within the range, whatever protocol and ports are.</summary>
    public bool Contains(IPAddress address) =>
        address.AddressFamily == StartAddress.AddressFamily
        && Number(address) >= Number(StartAddress)
        && Number(address) <= Number(EndAddress);

    /// <summary>Whether the addresses are exactly a network's; protocol and ports are not looked at.</summary>
    public bool IsNetwork(out IPNetwork network)
    {
        UInt128 start = Number(StartAddress);
        UInt128 difference = start ^ Number(EndAddress);
        bool isNetwork = (difference & (difference + 1)) == 0 && (start & difference) == 0;
        int hostBits = (int)UInt128.PopCount(difference);
        network = isNetwork ? new IPNetwork(StartAddress, (IPv4 ? 32 : 128) - hostBits) : default;
        return isNetwork;
    }

    /// <summary>"10.0.0.0/24", "10.0.0.1", "10.0.0.1-10.0.0.9", with "[6/443]" or the like behind it when protocol or ports are not any.</summary>
    public override string ToString()
    {
        if (StartAddress is null) return "none";
        string addresses = StartAddress.Equals(EndAddress) ? StartAddress.ToString()
            : IsNetwork(out IPNetwork network) ? network.ToString()
            : $"{StartAddress}-{EndAddress}";
        return Protocol == 0 && IsAnyPort ? addresses : $"{addresses}[{Protocol}{PortsText()}]";
    }

    // RFC 4301 4.4.1.1: ANY includes OPAQUE; OPAQUE meets no particular port.
    private bool TryIntersectPorts(in TrafficSelector other, out ushort start, out ushort end)
    {
        (start, end) = IsOpaquePort || other.IsAnyPort ? (StartPort, EndPort) : (other.StartPort, other.EndPort);
        if (IsAnyPort || other.IsAnyPort) return true;
        if (IsOpaquePort || other.IsOpaquePort) return IsOpaquePort && other.IsOpaquePort;
        start = Math.Max(StartPort, other.StartPort);
        end = Math.Min(EndPort, other.EndPort);
        return start <= end;
    }

    private string PortsText()
    {
        if (IsAnyPort) return "";
        if (IsOpaquePort) return "/opaque";
        return StartPort == EndPort ? $"/{PortText(StartPort)}" : $"/{PortText(StartPort)}-{PortText(EndPort)}";
    }

    private string PortText(ushort port) => Protocol is Icmp or Icmpv6 ? $"{port >> 8}:{port & 0xff}" : port.ToString(CultureInfo.InvariantCulture);

    private static UInt128 HostMask(int bits) => bits == 128 ? UInt128.MaxValue : (UInt128.One << bits) - 1;

    private static UInt128 Number(IPAddress address)
    {
        Span<byte> octets = stackalloc byte[16];
        address.TryWriteBytes(octets, out int count);
        return count == 4 ? BinaryPrimitives.ReadUInt32BigEndian(octets) : BinaryPrimitives.ReadUInt128BigEndian(octets);
    }

    private static IPAddress Address(UInt128 number, int bits)
    {
        Span<byte> octets = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(octets, number);
        return new IPAddress(octets[(16 - (bits / 8))..]);
    }
}
