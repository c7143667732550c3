using System.Text;

namespace Headend.Eap.Tests;

public class EapRelayTests
{
    private static readonly byte[] Keys = [.. Enumerable.Range(1, 64).Select(i => (byte)i)];

    private static EapRelay Relay(bool query = true, bool allowNoKey = false, string ike = "ike-id") => new(new EapRelayOptions(query, ike, allowNoKey));

    private static byte[] Respond(EapStep step, EapType type, ReadOnlySpan<byte> data) =>
        EapPacket.Response(Assert.IsType<EapStep.Request>(step).Packet[1], type, data);

    // A relay that has asked the AAA server with alice's identity.
    private static EapRelay Asked(bool allowNoKey = false)
    {
        var relay = Relay(allowNoKey: allowNoKey);
        Assert.IsType<EapStep.ToAaa>(relay.HandleClient(Respond(relay.Start(), EapType.Identity, "alice"u8)));
        return relay;
    }

    // ... and has relayed one MSCHAPv2 round.
    private static EapRelay InMethod(bool allowNoKey = false)
    {
        var relay = Asked(allowNoKey);
        var step = relay.HandleAaa(new RelayAnswer.Challenge(EapPacket.Request(77, EapType.MsChapV2, [1])));
        Assert.IsType<EapStep.ToAaa>(relay.HandleClient(Respond(step, EapType.MsChapV2, [2])));
        return relay;
    }

    private static RelayAnswer.Accept Accept(byte[]? message = null, byte[]? msk = null, string? user = null) => new(message, msk, user);

    [Fact]
    public void LoginWithQueriedIdentity()
    {
        var relay = Relay();
        var request = Assert.IsType<EapStep.Request>(relay.Start()).Packet;
        Assert.Equal(EapPacket.Request(request[1], EapType.Identity, []), request);

        var identity = EapPacket.Response(request[1], EapType.Identity, "alice"u8);
        var ask = Assert.IsType<EapStep.ToAaa>(relay.HandleClient(identity));
        Assert.Equal("alice", ask.UserName);
        Assert.Equal(identity, ask.EapMessage);

        var challenge = EapPacket.Request(9, EapType.MsChapV2, [1, 2, 3]);
        Assert.Equal(challenge, Assert.IsType<EapStep.Request>(relay.HandleAaa(new RelayAnswer.Challenge(challenge))).Packet);
        ask = Assert.IsType<EapStep.ToAaa>(relay.HandleClient(EapPacket.Response(9, EapType.MsChapV2, [2])));
        Assert.Equal("alice", ask.UserName);

        var success = Assert.IsType<EapStep.Success>(relay.HandleAaa(Accept(EapPacket.Success(9), [.. Keys])));
        Assert.Equal(EapPacket.Success(9), success.Packet);
        Assert.Equal(Keys, success.Msk);
        Assert.Equal(("alice", EapType.MsChapV2), (success.Identity, success.Method!.Value));
        Assert.IsType<EapStep.Discarded>(relay.HandleClient(identity));
    }

    [Fact]
    public void IkeIdentityStandsInWhenNotQueried()
    {
        var ask = Assert.IsType<EapStep.ToAaa>(Relay(query: false).Start());
        Assert.Equal("ike-id", ask.UserName);
        Assert.True(EapPacket.TryParse(ask.EapMessage, out var packet));
        Assert.Equal((EapCode.Response, EapType.Identity), (packet.Code, packet.Type!.Value));
        Assert.Equal("ike-id"u8, packet.TypeData.Span);
    }

    [Fact]
    public void IkeIdentityThatIsNoUserNameFails()
    {
        Assert.IsType<EapStep.Failure>(Relay(query: false, ike: "").Start());
        Assert.IsType<EapStep.Failure>(Relay(query: false, ike: new string('x', 254)).Start());
    }

    // RFC 3748 4.1: a Response with another Identifier is discarded; the outstanding Request stands.
    [Fact]
    public void WrongIdentifierIsDiscarded()
    {
        var relay = Relay();
        var request = Assert.IsType<EapStep.Request>(relay.Start()).Packet;
        var discarded = Assert.IsType<EapStep.Discarded>(relay.HandleClient(EapPacket.Response((byte)(request[1] + 1), EapType.Identity, "alice"u8)));
        Assert.Equal(request, discarded.Outstanding);
        Assert.IsType<EapStep.ToAaa>(relay.HandleClient(EapPacket.Response(request[1], EapType.Identity, "alice"u8)));
    }

    [Fact]
    public void EndlessDiscardsEnd()
    {
        var relay = Relay();
        relay.Start();
        for (var i = 0; i < EapLimits.MaxDiscarded; i++)
            Assert.IsType<EapStep.Discarded>(relay.HandleClient(Array.Empty<byte>()));
        Assert.IsType<EapStep.Failure>(relay.HandleClient(Array.Empty<byte>()));
    }

    // RFC 3748 4: an authenticator takes Responses only.
    [Theory]
    [InlineData("0101000a01616c696365")] // Request
    [InlineData("03010004")] // Success
    [InlineData("04010004")] // Failure
    [InlineData("05010006abcd")] // Initiate
    public void OtherCodesFromTheClientAreDiscarded(string hex)
    {
        var relay = Relay();
        relay.Start();
        Assert.IsType<EapStep.Discarded>(relay.HandleClient(Convert.FromHexString(hex)));
    }

    // RFC 3748 5.3.1: no Nak to Identity. RFC 3748 4.1: no other type than asked.
    [Fact]
    public void TypeMustMatch()
    {
        var relay = Relay();
        var start = relay.Start();
        Assert.IsType<EapStep.Discarded>(relay.HandleClient(Respond(start, EapType.Nak, [26])));
        Assert.IsType<EapStep.Discarded>(relay.HandleClient(Respond(start, EapType.MsChapV2, [3])));
    }

    [Fact]
    public void NakIsRelayedAndIsNoMethod()
    {
        var relay = Asked();
        var step = relay.HandleAaa(new RelayAnswer.Challenge(EapPacket.Request(5, EapType.Md5, [16])));
        Assert.IsType<EapStep.ToAaa>(relay.HandleClient(Respond(step, EapType.Nak, [26])));
        Assert.Null(relay.Method);
    }

    // RFC 2865 5.1: User-Name has 1 to 253 octets here; text is UTF-8.
    [Theory]
    [InlineData("")]
    [InlineData("ff")]
    [InlineData("616c00")]
    [InlineData("616c0a")]
    public void IdentityMustBeAUserName(string hex)
    {
        var relay = Relay();
        Assert.IsType<EapStep.Failure>(relay.HandleClient(Respond(relay.Start(), EapType.Identity, Convert.FromHexString(hex))));
    }

    [Theory]
    [InlineData(253, true)]
    [InlineData(254, false)]
    public void IdentityLengthLimit(int length, bool accepted)
    {
        var relay = Relay();
        var step = relay.HandleClient(Respond(relay.Start(), EapType.Identity, Encoding.ASCII.GetBytes(new string('a', length))));
        Assert.Equal(accepted, step is EapStep.ToAaa);
        Assert.Equal(!accepted, step is EapStep.Failure);
    }

    [Fact]
    public void IdentityMayNotChange()
    {
        var relay = Asked();
        var step = relay.HandleAaa(new RelayAnswer.Challenge(EapPacket.Request(5, EapType.Identity, [])));
        Assert.IsType<EapStep.Failure>(relay.HandleClient(Respond(step, EapType.Identity, "bob"u8)));
    }

    // RFC 3579 2.6.3: success is an Access-Accept, never an EAP-Success in a Challenge.
    [Theory]
    [InlineData("03010004")]
    [InlineData("04010004")]
    [InlineData("0201000501")]
    [InlineData("01010004")]
    [InlineData("")]
    public void ChallengeWithoutRequestFails(string hex) =>
        Assert.IsType<EapStep.Failure>(Asked().HandleAaa(new RelayAnswer.Challenge(Convert.FromHexString(hex))));

    [Theory]
    [InlineData("04010004")]
    [InlineData("0101000501")]
    [InlineData("0301000500")]
    [InlineData("03")]
    public void AcceptWithoutEapSuccessFails(string hex)
    {
        var keys = Keys.ToArray();
        Assert.IsType<EapStep.Failure>(InMethod().HandleAaa(Accept(Convert.FromHexString(hex), keys)));
        Assert.All(keys, octet => Assert.Equal(0, octet));
    }

    // RFC 7296 2.16: "EAP methods that do not establish a shared key SHOULD NOT be used".
    [Fact]
    public void AcceptWithoutKeyNeedsPermission()
    {
        Assert.IsType<EapStep.Failure>(InMethod().HandleAaa(Accept(EapPacket.Success(77))));
        Assert.Null(Assert.IsType<EapStep.Success>(InMethod(allowNoKey: true).HandleAaa(Accept(EapPacket.Success(77)))).Msk);
    }

    // RFC 2548 2.4.3 + 2.4.2: FreeRADIUS sends 16 + 16 octets for MSCHAPv2; the peer has zeros behind them.
    [Theory]
    [InlineData(0, false)]
    [InlineData(31, false)]
    [InlineData(32, true)]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void KeyLength(int length, bool accepted)
    {
        var keys = Enumerable.Repeat((byte)7, length).ToArray();
        var step = InMethod(allowNoKey: true).HandleAaa(Accept(EapPacket.Success(77), keys));
        if (!accepted)
        {
            Assert.IsType<EapStep.Failure>(step);
            return;
        }

        var msk = Assert.IsType<EapStep.Success>(step).Msk!;
        Assert.Equal(64, msk.Length);
        Assert.Equal(length, msk.Count(octet => octet == 7));
    }

    [Fact]
    public void AuthenticatedIdentityIsTheAcceptsUserName() =>
        Assert.Equal("real", Assert.IsType<EapStep.Success>(InMethod().HandleAaa(Accept(EapPacket.Success(77), [.. Keys], "real"))).Identity);

    [Fact]
    public void AcceptWithoutEapMessageMakesTheSuccess() =>
        Assert.Equal(EapPacket.Success(77), Assert.IsType<EapStep.Success>(InMethod().HandleAaa(Accept(null, [.. Keys]))).Packet);

    [Fact]
    public void RejectFails()
    {
        var failure = Assert.IsType<EapStep.Failure>(InMethod().HandleAaa(new RelayAnswer.Reject(EapPacket.Failure(77), "go away")));
        Assert.Equal(EapPacket.Failure(77), failure.Packet);
        Assert.Contains("go away", failure.Reason, StringComparison.Ordinal);
        Assert.Equal(EapPacket.Failure(77), Assert.IsType<EapStep.Failure>(InMethod().HandleAaa(new RelayAnswer.Reject(null, null))).Packet);
    }

    // RFC 3579 2.6.3: the EAP-Success inside an Access-Reject grants nothing and is not passed on.
    [Fact]
    public void RejectWithEapSuccessFailsWithoutPacket() =>
        Assert.Null(Assert.IsType<EapStep.Failure>(InMethod().HandleAaa(new RelayAnswer.Reject(EapPacket.Success(77), null))).Packet);

    [Fact]
    public void UnavailableIsNoRefusal() => Assert.IsType<EapStep.Unavailable>(Asked().HandleAaa(new RelayAnswer.Unavailable("timeout")));

    [Fact]
    public void WhatDoesNotFitIsNoSilenceAndEndsTheLogin()
    {
        var relay = Asked();
        Assert.Equal("State", Assert.IsType<EapStep.Unsendable>(relay.HandleAaa(new RelayAnswer.Unsendable("State"))).Reason);
        Assert.IsType<EapStep.Discarded>(relay.HandleAaa(new RelayAnswer.Unavailable("timeout")));
    }

    [Fact]
    public void AnswersOutOfTurnAreDiscarded()
    {
        var relay = Relay();
        relay.Start();
        Assert.IsType<EapStep.Discarded>(relay.HandleAaa(Accept(EapPacket.Success(1), [.. Keys])));
        Assert.IsType<EapStep.Discarded>(Asked().HandleClient(EapPacket.Response(1, EapType.Identity, "alice"u8)));
    }

    [Fact]
    public void RoundsAreLimited()
    {
        var relay = Asked();
        EapStep step = relay.HandleAaa(new RelayAnswer.Challenge(EapPacket.Request(0, EapType.Tls, [0])));
        for (var i = 1; i < EapLimits.MaxRounds; i++)
        {
            Assert.IsType<EapStep.ToAaa>(relay.HandleClient(Respond(step, EapType.Tls, [0])));
            step = relay.HandleAaa(new RelayAnswer.Challenge(EapPacket.Request((byte)i, EapType.Tls, [0])));
        }

        Assert.IsType<EapStep.ToAaa>(relay.HandleClient(Respond(step, EapType.Tls, [0])));
        Assert.IsType<EapStep.Failure>(relay.HandleAaa(new RelayAnswer.Challenge(EapPacket.Request(1, EapType.Tls, [0]))));
    }

    [Fact]
    public void OversizedPacketFails()
    {
        var relay = Asked();
        var step = relay.HandleAaa(new RelayAnswer.Challenge(EapPacket.Request(5, EapType.Tls, [0])));
        Assert.IsType<EapStep.Failure>(relay.HandleClient(Respond(step, EapType.Tls, new byte[EapLimits.MaxRelayedLength])));
    }
}
