using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

public sealed class PayloadChainTests
{
    [Fact]
    public void NoPayloadsIsAnEmptyBody()
    {
        Assert.Empty(Parse(0, ""));
        Assert.Equal(WireErrorCode.TrailingBytes, Refuse(0, "00000004").Code);
        Assert.Equal(PayloadType.None, PayloadChain.Write([], new WireWriter()));
    }

    // RFC 7296 2.5: "If the critical flag is not set and the payload type is unsupported, that payload MUST be ignored"
    [Fact]
    public void UnknownPayloadIsKeptWhenNotCritical()
    {
        IkePayload[] payloads = Parse(200, "29 00 0005 aa 00 00 0008 00004021");
        UnknownPayload unknown = Assert.IsType<UnknownPayload>(payloads[0]);
        Assert.Equal(new PayloadType(200), unknown.Type);
        Assert.Equal("AA", Convert.ToHexString(unknown.Value.Span));
        Assert.Equal(NotifyType.EapOnlyAuthentication, Assert.IsType<NotifyPayload>(payloads[1]).NotifyType);
    }

    // RFC 7296 2.5: "If the critical flag is set and the payload type is unrecognized, the message MUST be rejected"
    [Fact]
    public void UnknownCriticalPayloadIsRefusedWithItsType() =>
        Assert.Equal(
            new WireError(WireErrorCode.UnsupportedCriticalPayload, new PayloadType(200), 8), Refuse(41, "c8 00 0008 00004021 00 80 0005 aa"));

    // RFC 7296 3.2: the critical flag "MUST be ignored by the recipient if the recipient understands the payload type code"
    [Fact]
    public void CriticalFlagOfKnownPayloadIsIgnored() => Assert.IsType<NotifyPayload>(Assert.Single(Parse(41, "00 ff 0008 00004021")));

    [Theory]
    [InlineData(46)]
    [InlineData(53)]
    public void ProtectedPayloadsAreNotForTheInside(int type) =>
        Assert.Equal(WireErrorCode.MisplacedPayload, Refuse((byte)type, "00 00 0005 aa").Code);

    [Theory]
    [InlineData(64, WireErrorCode.None)]
    [InlineData(65, WireErrorCode.TooMany)]
    public void PayloadsAreLimited(int count, WireErrorCode expected)
    {
        var writer = new WireWriter();
        PayloadType first = PayloadChain.Write([.. Enumerable.Repeat(new VendorIdPayload(default), count)], writer);
        PayloadChain.TryParse(first, writer.WrittenMemory, out _, out WireError error);
        Assert.Equal(expected, error.Code);
    }

    [Theory]
    [InlineData(34, "00000008 00130000", WireErrorCode.ZeroLength)]
    [InlineData(34, "00000007 001300", WireErrorCode.Truncated)]
    [InlineData(35, "00000008 02000000", WireErrorCode.ZeroLength)]
    [InlineData(35, "0000000b 01000000 0a0000", WireErrorCode.BadLength)]
    [InlineData(36, "0000000c 05000000 0a000001", WireErrorCode.BadLength)]
    [InlineData(37, "00000005 04", WireErrorCode.ZeroLength)]
    [InlineData(38, "00000004", WireErrorCode.Truncated)]
    [InlineData(39, "00000008 02000000", WireErrorCode.ZeroLength)]
    [InlineData(40, "00000013 000102030405060708090a0b0c0d0e", WireErrorCode.BadLength)]
    [InlineData(41, "00000009 03040000 01", WireErrorCode.Truncated)]
    [InlineData(42, "0000000c 03040002 00000001", WireErrorCode.Truncated)]
    [InlineData(42, "00000010 03040001 00000001 00000002", WireErrorCode.TrailingBytes)]
    [InlineData(42, "00000008 03040000", WireErrorCode.ZeroLength)]
    [InlineData(42, "00000010 01080001 0000000000000001", WireErrorCode.BadLength)]
    [InlineData(42, "00000008 07000000", WireErrorCode.BadValue)]
    [InlineData(47, "0000000b 01000000 000100", WireErrorCode.Truncated)]
    [InlineData(47, "0000000f 01000000 00010004 0a0000", WireErrorCode.Truncated)]
    [InlineData(48, "00000007 010000", WireErrorCode.Truncated)]
    [InlineData(43, "00000003", WireErrorCode.BadLength)]
    public void BrokenBodiesAreRefused(int type, string chain, WireErrorCode expected)
    {
        WireError error = Refuse((byte)type, chain);
        Assert.Equal((expected, type), (error.Code, (int)error.Payload.Value));
    }

    // RFC 7296 3.9: "The size of the Nonce Data MUST be between 16 and 256 octets, inclusive."
    [Theory]
    [InlineData(15, false)]
    [InlineData(16, true)]
    [InlineData(256, true)]
    [InlineData(257, false)]
    public void NonceSizeIsBounded(int size, bool isAccepted)
    {
        var writer = new WireWriter();
        PayloadType first = PayloadChain.Write([new NoncePayload(new byte[size])], writer);
        Assert.Equal(isAccepted, PayloadChain.TryParse(first, writer.WrittenMemory, out _, out _));
    }

    // RFC 7296 2.15: RestOfInitIDPayload = IDType | RESERVED | InitIDData; the peer signed what it sent
    [Fact]
    public void ReservedOctetsOfAnIdentityAreKeptAsReceived()
    {
        IdPayload id = Assert.IsType<IdPayload>(Assert.Single(Parse(35, "0000000a 02aabbcc 6162")));
        Assert.Equal("02AABBCC6162", Convert.ToHexString(id.Body.Span));
        Assert.Equal("ab"u8, id.Value.Span);
    }

    [Fact]
    public void IkeDeleteNamesNoSpi()
    {
        DeletePayload delete = Assert.IsType<DeletePayload>(Assert.Single(Parse(42, "00000008 01000000")));
        Assert.Equal((ProtocolId.Ike, 0, 0), (delete.Protocol, delete.SpiSize, delete.EspSpis.Count));
        DeletePayload child = Assert.IsType<DeletePayload>(Assert.Single(Parse(42, "00000010 03040002 abcdef01 20fedcba")));
        Assert.Equal([0xabcdef01, 0x20fedcba], child.EspSpis);
    }

    // RFC 7296 3.15.1: the reserved bit "MUST be set to zero and MUST be ignored on receipt"
    [Fact]
    public void ReservedBitOfAConfigurationAttributeIsIgnored()
    {
        ConfigurationPayload request = Assert.IsType<ConfigurationPayload>(Assert.Single(Parse(47, "0000000c 01000000 80010000")));
        Assert.True(request.Has(ConfigurationAttributeType.InternalIp4Address));
        Assert.False(request.Has(ConfigurationAttributeType.InternalIp4Dns));
    }

    [Fact]
    public void ErrorsSayWhereInTheMessage()
    {
        byte[] datagram = UnprotectedMessage.Write(
            new IkeHeader(new IkeSpi(1), default, default, 2, 0, ExchangeType.IkeSaInit, IkeHeaderFlags.Initiator, 0, 0),
            [new KeyExchangePayload(19, default)]);
        Assert.True(IkeHeader.TryRead(datagram, out IkeHeader header, out _));
        Assert.False(UnprotectedMessage.TryParse(datagram, header, out _, out WireError error));
        Assert.Equal("KE: empty value at octet 36", error.ToString());
    }

    private static IkePayload[] Parse(byte first, string chain)
    {
        Assert.True(PayloadChain.TryParse(new PayloadType(first), Hex.Of(chain), out IkePayload[]? payloads, out WireError error), error.ToString());
        return payloads;
    }

    private static WireError Refuse(byte first, string chain)
    {
        Assert.False(PayloadChain.TryParse(new PayloadType(first), Hex.Of(chain), out _, out WireError error));
        return error;
    }
}
