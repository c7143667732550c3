using System.Net;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>A traffic selector of a CHILD_SA (RFC 7296 3.13.1): a range of addresses and ports of one protocol.</summary>
/// <param name="First">Lowest address.</param>
/// <param name="Last">Highest address, same family.</param>
/// <param name="Protocol">IP protocol; 0 = any.</param>
/// <param name="FirstPort">Lowest port; for ICMP type * 256 + code.</param>
/// <param name="LastPort">Highest port. 0..65535 = any.</param>
public sealed record EspSelector(IPAddress First, IPAddress Last, byte Protocol = 0, ushort FirstPort = 0, ushort LastPort = ushort.MaxValue)
{
    /// <summary>All of a prefix, any protocol.</summary>
    public static EspSelector FromNetwork(IPNetwork network)
    {
        var bytes = network.BaseAddress.GetAddressBytes();
        for (var bit = network.PrefixLength; bit < bytes.Length * 8; bit++) bytes[bit / 8] |= (byte)(0x80 >> (bit % 8));
        return new EspSelector(network.BaseAddress, new IPAddress(bytes));
    }
}
