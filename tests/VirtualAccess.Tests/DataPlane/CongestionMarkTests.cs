using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Tests.DataPlane;

/// <summary>RFC 6040 4.2, figure 4: the sixteen cells with packets written out, DSCP EF (0xb8) inside and CS1 (0x20) outside.</summary>
public sealed class CongestionMarkTests
{
    /// <summary>10.99.0.1 to 10.10.0.1, UDP 1000 to 2000, no data. The checksums were computed apart from this code.</summary>
    private static readonly string[] IPv4 =
    [
        "45b8001c00000000401165ab0a6300010a0a000103e807d000080000",
        "45b9001c00000000401165aa0a6300010a0a000103e807d000080000",
        "45ba001c00000000401165a90a6300010a0a000103e807d000080000",
        "45bb001c00000000401165a80a6300010a0a000103e807d000080000",
    ];

    /// <summary>2001:db8:99::1 to 2001:db8:10::1: version 6, traffic class, flow label 0x12345.</summary>
    private static readonly string[] IPv6 =
    [
        "6b8123450008114020010db800990000000000000000000120010db800100000000000000000000103e807d000080000",
        "6b9123450008114020010db800990000000000000000000120010db800100000000000000000000103e807d000080000",
        "6ba123450008114020010db800990000000000000000000120010db800100000000000000000000103e807d000080000",
        "6bb123450008114020010db800990000000000000000000120010db800100000000000000000000103e807d000080000",
    ];

    /// <summary>Inner and outer field, and what goes on: 0 not ECT, 1 ECT(1), 2 ECT(0), 3 CE, -1 dropped.</summary>
    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0, 2, 0)]
    [InlineData(0, 1, 0)]
    [InlineData(0, 3, -1)]
    [InlineData(2, 0, 2)]
    [InlineData(2, 2, 2)]
    [InlineData(2, 1, 1)]
    [InlineData(2, 3, 3)]
    [InlineData(1, 0, 1)]
    [InlineData(1, 2, 1)]
    [InlineData(1, 1, 1)]
    [InlineData(1, 3, 3)]
    [InlineData(3, 0, 3)]
    [InlineData(3, 2, 3)]
    [InlineData(3, 1, 3)]
    [InlineData(3, 3, 3)]
    public void EveryCell(int inner, int outer, int onward)
    {
        foreach (var packets in new[] { IPv4, IPv6 })
        {
            var packet = Convert.FromHexString(packets[inner]);
            Assert.True(IpPacket.TryRead(packet, out var ip));
            Assert.Equal(inner, ip.Ecn);
            Assert.Equal(onward >= 0, CongestionMark.TryCombine(packet, ip, (byte)(0x20 | outer)));
            Assert.Equal(packets[onward < 0 ? inner : onward], Convert.ToHexStringLower(packet));
        }
    }
}
