using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

public sealed class SaPayloadTests
{
    // macOS 14 numbers the first proposal of an IKE rekey 3; RFC 7296 3.3.1 asks for 1.
    [Fact]
    public void FirstProposalNeedNotBeNumberOne()
    {
        SaPayload sa = Parse("00000014 03 01 00 01 0000000c 01000014 800e0100");
        Assert.Equal(3, sa.Proposals[0].Number);
        Assert.Equal(new Transform(TransformType.Encryption, TransformIds.Encryption.AesGcm16, 256), sa.Proposals[0].Transforms[0]);
    }

    // RFC 7296 3.3.6: a transform with an attribute that is not understood is not acceptable, the others of the proposal are
    [Theory]
    [InlineData("00000014 01 01 00 01 0000000c 01000014 800f0100")]
    [InlineData("00000018 01 01 00 01 00000010 01000014 000e0004 00000100")]
    [InlineData("00000018 01 01 00 01 00000010 01000014 800e0080 800e0100")]
    [InlineData("00000014 01 01 00 01 0000000c 01000014 800e0000")]
    public void UnknownAttributesMarkTheirTransform(string body) => Assert.True(Parse(body).Proposals[0].Transforms[0].HasUnknownAttribute);

    [Theory]
    [InlineData("", WireErrorCode.ZeroLength)]
    [InlineData("00000008 01010000", WireErrorCode.ZeroLength)]
    [InlineData("00000010 01010002 00000008 01000014", WireErrorCode.BadValue)]
    [InlineData("00000010 01010800 00000008 01000014", WireErrorCode.ZeroLength)]
    [InlineData("00000010 01010901 00000008 01000014", WireErrorCode.Truncated)]
    [InlineData("02000010 01010001 00000008 01000014", WireErrorCode.Truncated)]
    [InlineData("01000010 01010001 00000008 01000014", WireErrorCode.BadValue)]
    [InlineData("00000010 01010001 03000008 01000014", WireErrorCode.Truncated)]
    [InlineData("00000010 01010001 00000007 01000014", WireErrorCode.BadLength)]
    [InlineData("00000010 01010001 00000009 01000014", WireErrorCode.Truncated)]
    [InlineData("00000011 01010001 00000008 01000014 ff", WireErrorCode.TrailingBytes)]
    [InlineData("00000010 01010001 00000008 01000014 ff", WireErrorCode.TrailingBytes)]
    [InlineData("00000012 01010001 0000000a 01000014 800e", WireErrorCode.Truncated)]
    [InlineData("00000014 01010001 0000000c 01000014 000e0001", WireErrorCode.Truncated)]
    public void BrokenProposalsAreRefused(string body, WireErrorCode expected)
    {
        Assert.False(TryParse(Hex.Of(body), out _, out WireError error));
        Assert.Equal((expected, PayloadType.Sa), (error.Code, error.Payload));
    }

    [Theory]
    [InlineData(SaPayload.MaxProposals, 1, true)]
    [InlineData(SaPayload.MaxProposals + 1, 1, false)]
    [InlineData(1, SaPayload.MaxTransforms, true)]
    [InlineData(1, SaPayload.MaxTransforms + 1, false)]
    public void ProposalsAndTransformsAreLimited(int proposals, int transforms, bool isAccepted)
    {
        Transform[] list = [.. Enumerable.Repeat(new Transform(TransformType.Prf, TransformIds.Prf.HmacSha256), transforms)];
        var sa = new SaPayload([.. Enumerable.Range(1, proposals).Select(n => new Proposal((byte)n, ProtocolId.Ike, default, list))]);
        var writer = new WireWriter();
        sa.WriteBody(writer);
        Assert.Equal(isAccepted, TryParse(writer.ToArray(), out _, out WireError error));
        Assert.Equal(isAccepted ? WireErrorCode.None : WireErrorCode.TooMany, error.Code);
    }

    private static SaPayload Parse(string body)
    {
        Assert.True(TryParse(Hex.Of(body), out SaPayload? sa, out WireError error), error.ToString());
        return sa!;
    }

    private static bool TryParse(byte[] body, out SaPayload? sa, out WireError error)
    {
        byte[] chain = [0, 0, (byte)((body.Length + 4) >> 8), (byte)(body.Length + 4), .. body];
        bool parsed = PayloadChain.TryParse(PayloadType.Sa, chain, out IkePayload[]? payloads, out error);
        sa = payloads?[0] as SaPayload;
        return parsed;
    }
}
