using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

public sealed class MessageRulesTests
{
    private static readonly IkePayload Sa = new SaPayload([]);
    private static readonly IkePayload Ke = new KeyExchangePayload(19, default);
    private static readonly IkePayload Nonce = new NoncePayload(default);
    private static readonly IkePayload Notify = new NotifyPayload(NotifyType.MobikeSupported);
    private static readonly IkePayload Id = new IdPayload(true, IdType.Fqdn, default);
    private static readonly IkePayload TsI = new TrafficSelectorPayload(true, []);
    private static readonly IkePayload TsR = new TrafficSelectorPayload(false, []);

    [Fact]
    public void MissingPayloadsAreNamed() =>
        Assert.Equal("excessive: -; missing: KE, Nonce; unexpected: -", Init(Sa, Notify).ToString());

    [Fact]
    public void ExcessivePayloadsAreNamed() => Assert.Equal("excessive: KE; missing: -; unexpected: -", Init(Sa, Ke, Nonce, Ke).ToString());

    [Fact]
    public void UnexpectedPayloadsAreNamed() => Assert.Equal("excessive: -; missing: -; unexpected: IDi", Init(Sa, Ke, Nonce, Id).ToString());

    [Fact]
    public void UnknownPayloadsAreTolerated() => Assert.False(Init(Sa, Ke, Nonce, new UnknownPayload(new PayloadType(200), false, default)).Any);

    [Theory]
    [InlineData(32, false)]
    [InlineData(33, true)]
    public void NotificationsAreLimited(int count, bool isExcessive) =>
        Assert.Equal(isExcessive, Init([Sa, Ke, Nonce, .. Enumerable.Repeat(Notify, count)]).Any);

    // RFC 7296 2.6 and 2.21.1: COOKIE, INVALID_KE_PAYLOAD and errors come alone
    [Theory]
    [InlineData(16390, true, false)]
    [InlineData(17, true, false)]
    [InlineData(16407, true, false)]
    [InlineData(16388, true, true)]
    [InlineData(17, false, true)]
    public void RefusalsNeedNothingElse(int notify, bool isResponse, bool isMissing)
    {
        IkePayload[] payloads = [new NotifyPayload(new NotifyType((ushort)notify))];
        PayloadErrors errors = MessageRules.Check(ExchangeType.IkeSaInit, isResponse, MessagePhase.Only, payloads);
        Assert.Equal(isMissing, !errors.Missing.IsEmpty);
    }

    // RFC 6023: a childless IKE_AUTH leaves out SA, TSi and TSr together
    [Fact]
    public void ChildSaPayloadsComeTogether()
    {
        Assert.False(Auth(Id).Any);
        Assert.False(Auth(Id, Sa, TsI, TsR).Any);
        Assert.Equal(PayloadTypeSet.Of(PayloadType.TrafficSelectorResponder), Auth(Id, Sa, TsI).Missing);
    }

    [Fact]
    public void AContinuedEapRequestIsOneEapPayload()
    {
        var eap = new EapPayload(default);
        Assert.False(MessageRules.Check(ExchangeType.IkeAuth, false, MessagePhase.EapContinued, [eap]).Any);
        Assert.True(MessageRules.Check(ExchangeType.IkeAuth, false, MessagePhase.EapContinued, [eap, eap]).Any);
        Assert.True(MessageRules.Check(ExchangeType.IkeAuth, false, MessagePhase.EapContinued, [eap, Id]).Any);
    }

    [Fact]
    public void AnExchangeWithoutRulesExpectsNothing() =>
        Assert.Equal(
            PayloadTypeSet.Of(PayloadType.Nonce), MessageRules.Check(new ExchangeType(99), false, MessagePhase.Only, [Nonce]).Unexpected);

    [Fact]
    public void EveryPhaseHasRulesInBothDirections()
    {
        (ExchangeType, MessagePhase)[] rows =
        [
            (ExchangeType.IkeSaInit, MessagePhase.Only), (ExchangeType.Informational, MessagePhase.Only),
            (ExchangeType.IkeAuth, MessagePhase.First), (ExchangeType.IkeAuth, MessagePhase.EapContinued),
            (ExchangeType.IkeAuth, MessagePhase.EapFinal), (ExchangeType.CreateChildSa, MessagePhase.NewChild),
            (ExchangeType.CreateChildSa, MessagePhase.RekeyChild), (ExchangeType.CreateChildSa, MessagePhase.RekeyIke),
        ];
        foreach ((ExchangeType exchange, MessagePhase phase) in rows)
        {
            Assert.NotNull(MessageRules.Find(exchange, isResponse: false, phase));
            Assert.NotNull(MessageRules.Find(exchange, isResponse: true, phase));
        }
    }

    private static PayloadErrors Init(params IkePayload[] payloads) =>
        MessageRules.Check(ExchangeType.IkeSaInit, isResponse: false, MessagePhase.Only, payloads);

    private static PayloadErrors Auth(params IkePayload[] payloads) =>
        MessageRules.Check(ExchangeType.IkeAuth, isResponse: false, MessagePhase.First, payloads);
}
