using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

public sealed class IkeNumbersTests
{
    [Fact]
    public void NumbersPrintTheirRegisteredNames()
    {
        Assert.Equal("AUTHENTICATION_FAILED (24)", NotifyType.AuthenticationFailed.ToString());
        Assert.Equal("notify 40969", new NotifyType(40969).ToString());
        Assert.Equal("IKEV2_FRAGMENTATION_SUPPORTED (16430)", NotifyType.Ikev2FragmentationSupported.ToString());
        Assert.Equal("IKE_SA_INIT (34)", ExchangeType.IkeSaInit.ToString());
        Assert.Equal("exchange 250", new ExchangeType(250).ToString());
        Assert.Equal("KE (34)", PayloadType.KeyExchange.ToString());
        Assert.Equal("payload 200", new PayloadType(200).ToString());
        Assert.Equal("INTERNAL_DNS_DOMAIN (25)", ConfigurationAttributeType.InternalDnsDomain.ToString());
        Assert.Equal("00000000000000ff", new IkeSpi(255).ToString());
    }

    // RFC 7296 3.10.1: "Types in the range 0 - 16383 are intended for reporting errors."
    [Fact]
    public void ErrorsEndAt16383()
    {
        Assert.True(new NotifyType(16383).IsError);
        Assert.False(NotifyType.InitialContact.IsError);
    }

    [Fact]
    public void ReaderStopsAtTheEndWithoutMoving()
    {
        var reader = new WireReader([1, 2, 3]);
        Assert.True(reader.TryReadUInt16(out ushort value));
        Assert.Equal(0x0102, value);
        Assert.False(reader.TryReadUInt16(out _));
        Assert.False(reader.TryReadUInt32(out _));
        Assert.False(reader.TryReadUInt64(out _));
        Assert.False(reader.TryReadBytes(2, out _));
        Assert.False(reader.TryReadBytes(-1, out _));
        Assert.Equal((2, 1), (reader.Position, reader.Remaining));
        Assert.True(reader.TryReadUInt8(out byte last));
        Assert.Equal(3, last);
        Assert.True(reader.IsEmpty);
    }

    [Fact]
    public void WriterRefusesLengthsThatDoNotFit()
    {
        var writer = new WireWriter();
        int at = writer.ReserveUInt16();
        Assert.Throws<OverflowException>(() => writer.PatchUInt16(at, 65536));
        Assert.Throws<OverflowException>(() => PayloadChain.Write([new VendorIdPayload(new byte[65532])], writer));
    }
}
