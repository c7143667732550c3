using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>
/// The client proves itself by certificate and signature (RFC 7296 2.15, RFC 7427, RFC 4945), we by ours. What the certificates are worth is judged outside. With
/// ANOTHER_AUTH_FOLLOWS it goes on with EAP (RFC 4739).
/// </summary>
internal static class ClientCertificateAuthentication
{
    /// <summary>A leaf, and more intermediates than any real hierarchy has.</summary>
    private const int MostCertificates = 8;

    /// <summary>What the limit of a stranger's message has room for beside everything else of IKE_AUTH, so that this one is met first.</summary>
    private const int MostCertificateOctets = FragmentReassembly.MaxOctetsBeforeAuthentication - (4 * 1024);

    /// <summary>How show and log call it.</summary>
    public const string MethodName = "certificate";

    /// <summary>Whether AUTH of this method is a signature.</summary>
    public static bool IsSignature(AuthenticationMethod method) =>
        method == AuthenticationMethod.RsaSignature || method == AuthenticationMethod.DigitalSignature
        || method == AuthenticationMethod.EcdsaP256 || method == AuthenticationMethod.EcdsaP384 || method == AuthenticationMethod.EcdsaP521;

    /// <summary>
    /// CERTREQ of the IKE_SA_INIT response (RFC 7296 3.7): the authorities of all profiles, since identities are not known yet. An empty list, which asks for any,
    /// where they are too many for a message that cannot be fragmented.
    /// </summary>
    public static CertificateRequestPayload? Request(IReadOnlyList<IkeProfile> profiles)
    {
        const int mostAuthorities = 16;
        const int hashOctets = 20;
        if (!profiles.Any(p => p.RemoteCertificate))
            return null;
        var authorities = profiles.SelectMany(p => p.CertificateAuthorities).Select(h => Convert.ToHexString(h.Span)).Distinct().ToList();
        var hashes = new byte[authorities.Count > mostAuthorities ? 0 : authorities.Count * hashOctets];
        for (var i = 0; i * hashOctets < hashes.Length; i++)
            Convert.FromHexString(authorities[i]).CopyTo(hashes, i * hashOctets);
        return new CertificateRequestPayload(CertificateEncoding.X509Signature, hashes);
    }

    public static RequestOutcome Begin(IkeSa sa, InitialOctets octets, FirstAuthRequest request, IkeMessage message, AuthenticationPayload auth)
    {
        var login = sa.Session!.Login;
        var asked = sa.Endpoint.Now;
        login.Method = MethodName;
        var goesOn = message.Notify(NotifyType.AnotherAuthFollows) is not null;
        if (WhyNot(login.Profile, goesOn) is { } refusal)
            return Refuse(sa, RequestOutcome.Fail(IkeFailure.MethodNotAllowed, refusal), asked);
        if (!TryTakeChain(message, out var chain, out var complaint))
            return Refuse(sa, RequestOutcome.Fail(IkeFailure.CertificateRefused, $"{Describe(login)}: {complaint}"), asked);
        var signed = AuthenticationOctets.ForInitiator(sa.Endpoint.Crypto, sa.Suite.Prf, octets.Request, octets.NonceR, sa.Keys.SkPi, request.InitiatorId.Body.Span);
        return sa.Suspend<VerifyCertificateCompletion>(
            new VerifyCertificateEffect(sa.Endpoint.NextOperation(), login, chain, auth.Method, auth.Value, signed),
            judged => Judged(sa, octets, request, goesOn, judged, asked));
    }

    private static RequestOutcome Judged(
        IkeSa sa, InitialOctets octets, FirstAuthRequest request, bool goesOn, VerifyCertificateCompletion judged, MonotonicTime asked)
    {
        var login = sa.Session!.Login;
        if (judged.Verdict != CertificateVerdict.Accepted || judged.User is not { } user)
            return Refuse(sa, RequestOutcome.Fail(FailureOf(judged.Verdict), $"{Describe(login)}: {judged.Refusal}"), asked);
        login.User = user;
        login.CertificateProven = true;
        return CertificateAuthentication.Prove(
            sa,
            octets,
            request.ResponderId,
            proof => goesOn ? MultipleAuthentication.Await(sa, octets, request, proof) : AuthExchange.Authorize(sa, octets, request, proof));
    }

    private static IkeFailure FailureOf(CertificateVerdict verdict) => verdict switch
    {
        CertificateVerdict.WrongIdentity => IkeFailure.CertificateOfAnother,
        CertificateVerdict.BadSignature => IkeFailure.BadSignature,
        CertificateVerdict.StatusUnknown => IkeFailure.CertificateStatusUnknown,
        _ => IkeFailure.CertificateRefused,
    };

    private static string? WhyNot(IkeProfile profile, bool goesOn)
    {
        if (profile.Credential is null)
            return $"client authenticates by certificate, and profile {profile.Name} has none of ours to answer with";
        if (goesOn && (profile.CertificateThenEap == SecondAuthentication.Refused || !profile.RemoteEap))
            return $"client wants EAP after its certificate, profile {profile.Name} takes the certificate alone";
        return !goesOn && profile.CertificateThenEap == SecondAuthentication.Required
            ? $"client authenticates by certificate alone, profile {profile.Name} wants EAP after it (RFC 4739)"
            : null;
    }

    private static bool TryTakeChain(IkeMessage message, out List<ReadOnlyMemory<byte>> chain, out string complaint)
    {
        chain = [];
        complaint = "";
        var octets = 0;
        foreach (var payload in message.Payloads)
        {
            if (payload is not CertificatePayload certificate)
                continue;
            if (certificate.Encoding == CertificateEncoding.HashAndUrl || certificate.Encoding == CertificateEncoding.HashAndUrlBundle)
            {
                // RFC 7296 3.6: only a peer that was sent HTTP_CERT_LOOKUP_SUPPORTED may; we send none, since it makes us fetch what a stranger names.
                complaint = "it sent the URL of a certificate, which was not offered";
                return false;
            }

            if (certificate.Encoding != CertificateEncoding.X509Signature)
                continue;
            chain.Add(certificate.Value);
            octets += certificate.Value.Length;
        }

        if (chain.Count == 0)
            complaint = "it sent no X.509 certificate";
        else if (chain.Count > MostCertificates || octets > MostCertificateOctets)
            complaint = $"it sent {chain.Count} certificates of {octets} octets; the limit is {MostCertificates} and {MostCertificateOctets}";
        return complaint.Length == 0;
    }

    private static string Describe(LoginRecord login) => $"{login.RemoteIdentity.Type} {login.RemoteIdentity.Text}";

    // Beside profiles with pre-shared keys a refusal tells by its time as little as theirs do: neither which identities have a profile, nor of which kind.
    private static RequestOutcome Refuse(IkeSa sa, RequestOutcome refusal, MonotonicTime asked) => sa.Postpone(refusal, asked + sa.Endpoint.PskRefusalDelay);
}
