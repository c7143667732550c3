namespace Headend.Eap.Tests;

public class EapPacketTests
{
    [Theory]
    [InlineData("")]
    [InlineData("020000")]
    [InlineData("02000004")] // Response without Type
    [InlineData("0100000401")] // one octet more than Length
    [InlineData("0100000601")] // one octet less than Length
    [InlineData("01000000")]
    [InlineData("0300000500")] // Success with data
    [InlineData("0400000500")] // Failure with data
    public void MalformedPacketsAreRefused(string hex) => Assert.False(EapPacket.TryParse(Convert.FromHexString(hex), out _));

    [Fact]
    public void ResponseIsParsed()
    {
        var bytes = Convert.FromHexString("02ee000a01616c696365");
        Assert.True(EapPacket.TryParse(bytes, out var packet));
        Assert.Equal((EapCode.Response, 0xee, EapType.Identity), (packet.Code, packet.Identifier, packet.Type!.Value));
        Assert.Equal("alice"u8, packet.TypeData.Span);
        Assert.Equal(bytes, EapPacket.Response(0xee, EapType.Identity, "alice"u8));
    }

    [Fact]
    public void UnknownCodeAndTypeSurvive()
    {
        Assert.True(EapPacket.TryParse(Convert.FromHexString("05010006abcd"), out var initiate));
        Assert.Equal((new EapCode(5), (EapType?)null, 2), (initiate.Code, initiate.Type, initiate.TypeData.Length));
        Assert.True(EapPacket.TryParse(Convert.FromHexString("01010005c8"), out var request));
        Assert.Equal("EAP type 200", request.Type!.Value.Name);
    }
}
