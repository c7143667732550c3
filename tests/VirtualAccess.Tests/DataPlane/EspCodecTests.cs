using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.DataPlane;

public sealed class EspCodecTests
{
    private static readonly byte[] Inner = Packets.Udp("10.99.0.1", "10.10.0.1", 4);

    [Fact]
    public void PaddingIsChecked()
    {
        Assert.Equal(EspDrop.None, EspCodec.ReadInner([.. Inner, 1, 2, 3, 3, 4], out var length));
        Assert.Equal(Inner.Length, length);
        Assert.Equal(EspDrop.BadPadding, EspCodec.ReadInner([.. Inner, 1, 2, 4, 3, 4], out _));
        Assert.Equal(EspDrop.BadPadding, EspCodec.ReadInner([.. Inner, 1, 2, 3, 255, 4], out _));
        Assert.Equal(EspDrop.Malformed, EspCodec.ReadInner([4], out _));
    }

    /// <summary>RFC 4303 2.6: a dummy packet is dropped without prejudice.</summary>
    [Fact]
    public void NextHeaderDecides()
    {
        Assert.Equal(EspDrop.Dummy, EspCodec.ReadInner([9, 9, 9, 0, 59], out _));
        Assert.Equal(EspDrop.UnsupportedNextHeader, EspCodec.ReadInner([.. Inner, 0, 17], out _));
        Assert.Equal(EspDrop.Malformed, EspCodec.ReadInner([.. Inner, 0, 41], out _));
        var six = Packets.Udp("2001:db8::1", "2001:db8::2", 3);
        Assert.Equal(EspDrop.None, EspCodec.ReadInner([.. six, 0, 41], out var length));
        Assert.Equal(six.Length, length);
    }

    /// <summary>RFC 4303 2.7: TFC padding follows the inner packet; its own length says where it ends.</summary>
    [Fact]
    public void TrafficFlowConfidentialityPaddingFallsAway()
    {
        Assert.Equal(EspDrop.None, EspCodec.ReadInner([.. Inner, .. new byte[500], 1, 1, 4], out var length));
        Assert.Equal(Inner.Length, length);
        Assert.Equal(EspDrop.Malformed, EspCodec.ReadInner([.. Inner[..^1], 0, 4], out _));
    }

    [Fact]
    public void LargestInnerIsExactForEveryAlgorithm()
    {
        foreach (var algorithm in EspAlgorithmTable.Rows)
        {
            for (var room = 200; room < 300; room++)
            {
                var largest = EspCodec.LargestInner(algorithm, room);
                Assert.True(EspCodec.SealedLength(algorithm, largest) <= room);
                Assert.True(EspCodec.SealedLength(algorithm, largest + 1) > room);
            }
        }
    }
}
