using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.TestKit.Initiator;

/// <summary>Certificates of ours (RFC 7296 2.15), and EAP after them (RFC 4739).</summary>
public sealed partial class TestInitiator
{
    private IkeIdentity? _secondId;

    /// <summary>The IKE_SA_INIT response, for what it announces; null before.</summary>
    public IkeMessage? InitialResponse { get; private set; }

    private IdPayload CurrentId => _secondId is { } second ? new IdPayload(isInitiator: true, second.Type, second.Value) : InitiatorId;

    private void AddCertificate(List<IkePayload> payloads, InitiatorCertificate certificate)
    {
        foreach (var der in certificate.Chain)
            payloads.Add(new CertificatePayload(certificate.Encoding, der));
        var octets = AuthenticationOctets.ForInitiator(
            _options.Crypto, _current.Suite.Prf, _initialRequest, _peerNonce, _current.Keys.SkPi, InitiatorId.Body.Span);
        payloads.Add(certificate.Sign(octets));
    }

    private void BeginSecond(IkeIdentity second, IkeMessage response)
    {
        // RFC 4739 2.1: the first round ends with the responder's AUTH and without a CHILD_SA.
        if (response.First<SaPayload>() is not null || response.First<EapPayload>() is not null)
        {
            Fail(null, "the first of two authentications is answered with more than AUTH");
            return;
        }

        _secondId = second;
        Stage = InitiatorStage.Eap;
        SendLogin([CurrentId]);
    }
}
