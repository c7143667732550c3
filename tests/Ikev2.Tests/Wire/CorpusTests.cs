using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

/// <summary>Messages recorded between two strongSwan 6.1.0, in the clear or decrypted.</summary>
public sealed class CorpusTests
{
    public static TheoryData<string> Names => new(CorpusMessage.All.Select(message => message.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void ParsesAndWritesBackTheSameOctets(string name)
    {
        CorpusMessage recorded = CorpusMessage.Get(name);
        IReadOnlyList<IkePayload> payloads = recorded.Parse();
        if (recorded.First is { } first)
        {
            var writer = new WireWriter();
            Assert.Equal(first, PayloadChain.Write(payloads, writer));
            Assert.Equal(recorded.Octets, writer.ToArray());
            return;
        }
        Assert.True(IkeHeader.TryRead(recorded.Octets, out IkeHeader header, out _));
        Assert.Equal(recorded.Octets, UnprotectedMessage.Write(header with { Length = 0, NextPayload = default }, payloads));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void SatisfiesTheRulesOfItsExchange(string name)
    {
        CorpusMessage recorded = CorpusMessage.Get(name);
        IReadOnlyList<IkePayload> payloads = recorded.Parse();
        PayloadErrors errors = MessageRules.Check(recorded.Exchange, recorded.IsResponse, PhaseOf(recorded, payloads), payloads);
        Assert.False(errors.Any, errors.ToString());
    }

    [Fact]
    public void ReadsTheFirstRequestOfAnEapLogin()
    {
        CorpusMessage recorded = CorpusMessage.Get("md5-02-ike-auth-1-request");
        var message = new IkeMessage(default, recorded.Parse());

        IdPayload id = Assert.IsType<IdPayload>(message.First<IdPayload>(PayloadType.IdInitiator));
        Assert.Equal(IdType.Fqdn, id.IdType);
        Assert.Equal("alice"u8, id.Value.Span);
        Assert.Equal("vpn.lab"u8, message.First<IdPayload>(PayloadType.IdResponder)!.Value.Span);
        Assert.Null(message.First<AuthenticationPayload>());
        ConfigurationPayload request = message.First<ConfigurationPayload>()!;
        Assert.Equal(ConfigurationType.Request, request.ConfigurationType);
        Assert.Equal(
            [ConfigurationAttributeType.InternalIp4Address, ConfigurationAttributeType.InternalIp4Dns],
            request.Attributes.Select(attribute => attribute.Type));
        Proposal proposal = Assert.Single(message.First<SaPayload>()!.Proposals);
        Assert.Equal(ProtocolId.Esp, proposal.Protocol);
        Assert.Equal(
            [new Transform(TransformType.Encryption, TransformIds.Encryption.AesGcm16, 256), new Transform(TransformType.Esn, TransformIds.Esn.No)],
            proposal.Transforms);
        Assert.Equal("0.0.0.0/0", message.First<TrafficSelectorPayload>(PayloadType.TrafficSelectorInitiator)!.Selectors[0].ToString());
        Assert.Equal("10.199.50.0/24", message.First<TrafficSelectorPayload>(PayloadType.TrafficSelectorResponder)!.Selectors[0].ToString());
        Assert.NotNull(message.Notify(NotifyType.EapOnlyAuthentication));
        Assert.Null(message.FirstError());
    }

    [Fact]
    public void ReadsAnAnswerThatAsksForAnotherGroup()
    {
        var message = new IkeMessage(default, CorpusMessage.Get("invke-01-ike-sa-init-0-response").Parse());
        NotifyPayload refusal = Assert.IsType<NotifyPayload>(message.Notify(NotifyType.InvalidKePayload));
        Assert.Equal(TransformIds.KeyExchange.EcpP256, (refusal.Value.Span[0] << 8) | refusal.Value.Span[1]);
        Assert.Same(refusal, message.FirstError());
    }

    private static MessagePhase PhaseOf(CorpusMessage recorded, IReadOnlyList<IkePayload> payloads)
    {
        var message = new IkeMessage(default, payloads);
        if (recorded.Exchange == ExchangeType.CreateChildSa) return MessageRules.CreateChildPhase(message);
        if (recorded.Exchange != ExchangeType.IkeAuth) return MessagePhase.Only;
        if (message.First<IdPayload>() is not null) return MessagePhase.First;
        return message.First<EapPayload>() is not null ? MessagePhase.EapContinued : MessagePhase.EapFinal;
    }
}
