using System.Runtime.InteropServices;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// struct virtio_net_hdr (linux/virtio_net.h), which stands before every packet of a TUN device with IFF_VNET_HDR: the packet may be longer than the MTU, to be cut
/// by whoever sends it on, and its transport checksum may be left open. In the machine's own byte order.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct VirtioHeader
{
    public const int Length = 10;

    /// <summary>The checksum field holds the sum of the pseudo header; the rest of the sum is to be added.</summary>
    public const byte NeedsChecksum = 1;

    public const byte GsoNone = 0;
    public const byte GsoTcpIPv4 = 1;
    public const byte GsoTcpIPv6 = 4;

    /// <summary>Bit beside a TCP type: CWR is set, which belongs into the first segment only.</summary>
    public const byte GsoEcn = 0x80;

    public byte Flags;
    public byte GsoType;

    /// <summary>Octets of all headers of a packet to be cut.</summary>
    public ushort HeaderLength;

    /// <summary>Octets of payload in each segment.</summary>
    public ushort GsoSize;

    /// <summary>Where the checksummed part begins.</summary>
    public ushort ChecksumStart;

    /// <summary>Place of the checksum from there.</summary>
    public ushort ChecksumOffset;
}
