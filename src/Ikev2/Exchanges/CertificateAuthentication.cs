using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>We prove ourselves by certificate and signature (RFC 7296 2.15, RFC 7427).</summary>
internal static class CertificateAuthentication
{
    /// <summary>Signs and goes on with IDr, CERT and AUTH.</summary>
    /// <param name="sa">Its profile has a credential.</param>
    /// <param name="octets">Of IKE_SA_INIT.</param>
    /// <param name="responderId">Our IDr.</param>
    /// <param name="next">Gets the payloads that prove us.</param>
    public static RequestOutcome Prove(IkeSa sa, InitialOctets octets, IdPayload responderId, Func<IReadOnlyList<IkePayload>, RequestOutcome> next)
    {
        var credential = sa.Session!.Profile.Credential!;
        if (SignatureAuthentication.Choose(credential.PrivateKey, sa.Peer.SignatureHashes, rsaHash: sa.Peer.IsCisco ? sa.Suite.Prf.Hash : null) is not { } scheme)
        {
            var hashes = sa.Peer.SignatureHashes is { } list ? string.Join(",", list) : "none";
            return RequestOutcome.Fail(IkeFailure.MethodNotAllowed, $"the client verifies no signature of our key (its hash algorithms: {hashes})");
        }

        sa.Session.Login.LocalMethod = credential.PrivateKey is ECDsa ? "ECDSA" : "RSA";
        var signed = AuthenticationOctets.ForResponder(sa.Endpoint.Crypto, sa.Suite.Prf, octets.Response, octets.NonceI, sa.Keys.SkPr, responderId.Body.Span);
        return sa.Suspend<SignAuthCompletion>(
            new SignAuthEffect(sa.Endpoint.NextOperation(), credential, scheme, signed),
            signature => next(Payloads(credential, responderId, new AuthenticationPayload(scheme.Method, signature.Value))));
    }

    // Apple and Windows send no CERTREQ that names our CA and yet need the certificate: always the whole chain.
    private static List<IkePayload> Payloads(IkeCredential credential, IdPayload responderId, AuthenticationPayload auth) =>
        [responderId, .. credential.ChainDer.Select(c => new CertificatePayload(CertificateEncoding.X509Signature, c)), auth];
}
