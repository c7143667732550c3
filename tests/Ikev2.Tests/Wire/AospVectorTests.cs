using System.Text.Json;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

/// <summary>Hex constants of Android's IKE library tests, whose names say what they hold.</summary>
public sealed class AospVectorTests
{
    private const string Folder = "aosp-ike";
    private const string Messages = "tests/iketests/src/java/com/android/internal/net/ipsec/ike/message/";

    [FactWithVectors(Folder)]
    public void PayloadsWithAHeaderAreReadAndWrittenBack()
    {
        CheckPayload<CertificateRequestPayload>("IkeCertReqPayloadTest", "CERT_REQ_PAYLOAD", 38);
        CheckPayload<DeletePayload>("IkeDeletePayloadTest", "DELETE_IKE_PAYLOAD_HEX_STRING", 42);
        CheckPayload<DeletePayload>("IkeDeletePayloadTest", "DELETE_CHILD_PAYLOAD_HEX_STRING", 42);
        CheckPayload<DeletePayload>("IkeDeletePayloadTest", "DELETE_MULTIPLE_CHILD_PAYLOAD_HEX_STRING", 42);
        CheckPayload<IdPayload>("IkeIdPayloadTest", "IPV4_ADDR_ID_PAYLOAD_RESPONDER_HEX_STRING", 36);
        CheckPayload<IdPayload>("IkeIdPayloadTest", "IPV6_ADDR_ID_PAYLOAD_RESPONDER_HEX_STRING", 36);
        CheckPayload<IdPayload>("IkeIdPayloadTest", "FQDN_ID_PAYLOAD_HEX_STRING", 35);
        CheckPayload<IdPayload>("IkeIdPayloadTest", "RFC822_ADDR_ID_PAYLOAD_HEX_STRING", 35);
        CheckPayload<IdPayload>("IkeIdPayloadTest", "KEY_ID_PAYLOAD_HEX_STRING", 35);
        CheckPayload<IdPayload>("IkeIdPayloadTest", "ASN1_DN_PAYLOAD_HEX_STRING", 35);
        CheckPayload<NoncePayload>("IkeNoncePayloadTest", "NONCE_PAYLOAD_RAW_HEX_STRING", 40);
        CheckPayload<NotifyPayload>("IkeNotifyPayloadTest", "NOTIFY_NAT_DETECTION_PAYLOAD_HEX_STRING", 41);
        CheckPayload<AuthenticationPayload>("IkeAuthPskPayloadTest", "PSK_AUTH_PAYLOAD_HEX_STRING", 39);
        CheckPayload<TrafficSelectorPayload>("IkeTsPayloadTest", "TS_INITIATOR_PAYLOAD_HEX_STRING", 44);
    }

    [FactWithVectors(Folder)]
    public void BodiesAreReadAndWrittenBack()
    {
        CheckBody<CertificatePayload>("IkeCertX509CertPayloadTest", "CERT_PAYLOAD_BODY_HEX_STRING", 37);
        CheckBody<KeyExchangePayload>("IkeKePayloadTest", "KE_PAYLOAD_RAW_PACKET", 34);
        NotifyPayload rekey = CheckBody<NotifyPayload>("IkeNotifyPayloadTest", "NOTIFY_REKEY_PAYLOAD_BODY_HEX_STRING", 41);
        Assert.Equal((ProtocolId.Esp, NotifyType.RekeySa), (rekey.Protocol, rekey.NotifyType));
        Assert.Equal("2AD4C0A2", Convert.ToHexString(rekey.Spi.Span));

        SaPayload two = CheckBody<SaPayload>("IkeSaPayloadTest", "INBOUND_TWO_PROPOSAL_RAW_PACKET", 33);
        Assert.Equal([25, 26], two.Proposals.Select(proposal => proposal.Transforms.Count));
        SaPayload child = CheckBody<SaPayload>("IkeSaPayloadTest", "INBOUND_CHILD_TWO_PROPOSAL_RAW_PACKET", 33);
        Assert.Equal(["CAE7019F", "CAE7019E"], child.Proposals.Select(proposal => Convert.ToHexString(proposal.Spi.Span)));
        CheckBody<SaPayload>("IkeSaPayloadTest", "OUTBOUND_PROPOSAL_RAW_PACKET", 33);
        CheckBody<SaPayload>("IkeSaPayloadTest", "INBOUND_CHILD_PROPOSAL_RAW_PACKET", 33);
        SaPayload groups = CheckBody<SaPayload>("IkeSaPayloadTest", "inboundRequestSaPayload", 33);
        Assert.Equal(5, groups.Proposals[0].Transforms.Count(transform => transform.Type == TransformType.KeyExchange));
    }

    [FactWithVectors(Folder)]
    public void WholeMessagesAreReadAndWrittenBack()
    {
        CheckMessage(Messages + "IkeHeaderTest.java", "IKE_SA_INIT_RAW_PACKET");
        CheckMessage(Messages + "IkeAuthPskPayloadTest.java", "PSK_IKE_INIT_REQUEST_HEX_STRING");
        CheckMessage("tests/cts/src/android/ipsec/ike/cts/IkeSessionDigitalSignatureTest.java", "IKE_INIT_RESP");
        CheckMessage("tests/cts/src/android/ipsec/ike/cts/IkeSessionMobikeTest.java", "IKE_INIT_RESP");
        IkeMessage refusal = CheckMessage("tests/cts/src/android/ipsec/ike/cts/IkeSessionPskTest.java", "ikeInitFailRespHex");
        Assert.Equal(NotifyType.NoProposalChosen, refusal.FirstError()?.NotifyType);
    }

    [FactWithVectors(Folder)]
    public void ProtectedMessagesAreLocated()
    {
        EncryptedEnvelope whole = Locate("IkeSkPayloadTest", "IKE_AUTH_INIT_REQUEST_HEX_STRING");
        Assert.Equal((PayloadType.IdInitiator, false, 32), (whole.InnerFirst, whole.IsFragment, whole.BodyOffset));
        EncryptedEnvelope fragment = Locate("IkeSkfPayloadTest", "IKE_FRAG_MSG_HEX_STRING");
        Assert.Equal((true, 2, 2, 36), (fragment.IsFragment, fragment.FragmentNumber, fragment.TotalFragments, fragment.BodyOffset));

        byte[] inner = Vector(Messages + "IkeSkPayloadTest.java", "IKE_AUTH_INIT_REQUEST_DECRYPTED_BODY_HEX_STRING");
        Assert.True(PayloadChain.TryParse(whole.InnerFirst, inner, out IkePayload[]? payloads, out WireError error), error.ToString());
        Assert.False(MessageRules.Check(ExchangeType.IkeAuth, false, MessagePhase.First, payloads).Any);
    }

    [FactWithVectors(Folder)]
    public void InvalidTrafficSelectorsAreRefused()
    {
        const string file = "tests/iketests/src/java/android/net/ipsec/ike/IkeTrafficSelectorTest.java";
        foreach ((string name, bool isValid) in (ReadOnlySpan<(string, bool)>)
            [
                ("TS_IPV4_ONE_HEX_STRING", true), ("TS_IPV4_TWO_HEX_STRING", true), ("TS_IPV6_THREE_HEX_ADDRESS", true),
                ("TX_IPV4_INVALID_PORT_RANGE_HEX_STRING", false), ("TX_IPV4_INVALID_ADDRESS_RANGE_HEX_STRING", false),
            ])
        {
            byte[] body = [1, 0, 0, 0, .. Vector(file, name)];
            Assert.Equal(isValid, PayloadChain.TryParse(PayloadType.TrafficSelectorInitiator, WithHeader(body), out _, out _));
        }
    }

    private static void CheckPayload<T>(string test, string name, byte type)
        where T : IkePayload
    {
        byte[] chain = Vector(Messages + test + ".java", name);

        // The recorded payload names a successor that the constant does not hold.
        chain[0] = 0;
        CheckChain<T>(chain, type);
    }

    private static T CheckBody<T>(string test, string name, byte type)
        where T : IkePayload =>
        CheckChain<T>(WithHeader(Vector(Messages + test + ".java", name)), type);

    private static T CheckChain<T>(byte[] chain, byte type)
        where T : IkePayload
    {
        Assert.True(PayloadChain.TryParse(new PayloadType(type), chain, out IkePayload[]? payloads, out WireError error), error.ToString());
        T payload = Assert.IsType<T>(Assert.Single(payloads));
        var writer = new WireWriter();
        PayloadChain.Write(payloads, writer);
        Assert.Equal(chain, writer.ToArray());
        return payload;
    }

    private static IkeMessage CheckMessage(string file, string name)
    {
        byte[] datagram = Vector(file, name);
        Assert.True(IkeHeader.TryRead(datagram, out IkeHeader header, out WireError error), error.ToString());
        Assert.True(UnprotectedMessage.TryParse(datagram, header, out IkeMessage? message, out error), error.ToString());
        Assert.Equal(datagram, UnprotectedMessage.Write(header, message.Payloads));
        Assert.False(MessageRules.Check(header.ExchangeType, header.IsResponse, MessagePhase.Only, message.Payloads).Any);
        return message;
    }

    private static EncryptedEnvelope Locate(string test, string name)
    {
        byte[] datagram = Vector(Messages + test + ".java", name);
        Assert.True(IkeHeader.TryRead(datagram, out IkeHeader header, out WireError error), error.ToString());
        Assert.True(EncryptedEnvelope.TryLocate(datagram, header, out EncryptedEnvelope envelope, out error), error.ToString());
        Assert.Equal(datagram.Length, envelope.BodyOffset + envelope.BodyLength);
        return envelope;
    }

    private static byte[] WithHeader(byte[] body) => [0, 0, (byte)((body.Length + 4) >> 8), (byte)(body.Length + 4), .. body];

    private static byte[] Vector(string file, string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(RepositoryFolders.SharedVectors, Folder, "aosp-ike-hex.json")));
        return Convert.FromHexString(document.RootElement.GetProperty("files").GetProperty(file).GetProperty(name).GetString()!);
    }
}
