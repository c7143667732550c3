using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

public sealed class EncryptedEnvelopeTests
{
    [Fact]
    public void LocatesAnEncryptedPayload()
    {
        Assert.True(TryLocate(46, "23 80 000a 010203040506", out EncryptedEnvelope envelope, out _));
        Assert.Equal(new EncryptedEnvelope(PayloadType.IdInitiator, false, 1, 1, 28, 32, 6), envelope);
    }

    [Fact]
    public void LocatesAnEncryptedFragment()
    {
        Assert.True(TryLocate(53, "00 00 000c 0002 0003 01020304", out EncryptedEnvelope envelope, out _));
        Assert.Equal(new EncryptedEnvelope(PayloadType.None, true, 2, 3, 28, 36, 4), envelope);
    }

    [Theory]
    [InlineData(46, "", WireErrorCode.Truncated)]
    [InlineData(46, "230000", WireErrorCode.Truncated)]
    [InlineData(46, "23000003", WireErrorCode.BadLength)]
    [InlineData(46, "2300000501ff", WireErrorCode.TrailingBytes)]
    [InlineData(46, "2300000601", WireErrorCode.Truncated)]
    [InlineData(53, "230000080001", WireErrorCode.Truncated)]
    [InlineData(53, "2300000700010001", WireErrorCode.BadLength)]
    public void LengthsMustEndWithTheDatagram(int type, string payload, WireErrorCode expected)
    {
        Assert.False(TryLocate((byte)type, payload, out _, out WireError error));
        Assert.Equal(expected, error.Code);
    }

    // RFC 7383 2.5: "This field MUST be less than or equal to the next field (Total Fragments). This field MUST NOT be zero."
    [Theory]
    [InlineData("2300000800000001")]
    [InlineData("2300000800020001")]
    [InlineData("2300000800000000")]
    [InlineData("2300000800010000")]
    public void FragmentNumbersMustMakeSense(string payload)
    {
        Assert.False(TryLocate(53, payload, out _, out WireError error));
        Assert.Equal(WireErrorCode.BadValue, error.Code);
    }

    [Fact]
    public void PayloadsInTheClearAreNoEnvelope()
    {
        Assert.False(TryLocate(41, "2e00000800004004 23000005ff", out _, out WireError error));
        Assert.Equal(new WireError(WireErrorCode.MisplacedPayload, PayloadType.Notify, 28), error);
    }

    private static bool TryLocate(byte type, string payload, out EncryptedEnvelope envelope, out WireError error)
    {
        byte[] body = Hex.Of(payload);
        var datagram = new byte[IkeHeader.Size + body.Length];
        body.CopyTo(datagram, IkeHeader.Size);
        new IkeHeader(new IkeSpi(1), new IkeSpi(2), new PayloadType(type), 2, 0, ExchangeType.IkeAuth, 0, 1, (uint)datagram.Length).Write(datagram);
        Assert.True(IkeHeader.TryRead(datagram, out IkeHeader header, out _));
        return EncryptedEnvelope.TryLocate(datagram, header, out envelope, out error);
    }
}
