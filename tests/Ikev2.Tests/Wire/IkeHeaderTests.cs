using System.Buffers.Binary;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

public sealed class IkeHeaderTests
{
    private const string Header = "0102030405060708 1112131415161718 2e 21 23 28 0000000a 0000001c";

    [Fact]
    public void ReadsAndWritesEveryField()
    {
        byte[] octets = Hex.Of(Header);
        Assert.True(IkeHeader.TryRead(octets, out IkeHeader header, out _));
        Assert.Equal(
            new IkeHeader(
                new IkeSpi(0x0102030405060708), new IkeSpi(0x1112131415161718), PayloadType.Encrypted, 2, 1, ExchangeType.IkeAuth,
                IkeHeaderFlags.Initiator | IkeHeaderFlags.Response, 10, 28),
            header);
        Assert.True(header.IsFromInitiator);
        Assert.True(header.IsResponse);
        var written = new byte[IkeHeader.Size];
        header.Write(written);
        Assert.Equal(octets, written);
    }

    [Theory]
    [InlineData(27, 28, WireErrorCode.Truncated)]
    [InlineData(28, 29, WireErrorCode.Truncated)]
    [InlineData(28, 27, WireErrorCode.BadLength)]
    [InlineData(29, 28, WireErrorCode.TrailingBytes)]
    [InlineData(28, -1, WireErrorCode.Truncated)]
    public void LengthMustBeThatOfTheDatagram(int datagramLength, int lengthField, WireErrorCode expected)
    {
        byte[] octets = Hex.Of(Header);
        BinaryPrimitives.WriteInt32BigEndian(octets.AsSpan(24), lengthField);
        Array.Resize(ref octets, datagramLength);
        Assert.False(IkeHeader.TryRead(octets, out _, out WireError error));
        Assert.Equal(expected, error.Code);
    }

    // RFC 7296 3.1: bits marked X are ignored on receipt
    [Fact]
    public void ReservedFlagsChangeNothing()
    {
        byte[] octets = Hex.Of(Header);
        octets[19] = 0xff;
        Assert.True(IkeHeader.TryRead(octets, out IkeHeader header, out _));
        Assert.True(header.IsResponse && header.IsFromInitiator);
    }
}
