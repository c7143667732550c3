using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>
/// The client proves itself by a pre-shared key (RFC 7296 2.15), we by another, the same, or our certificate. The key is looked up outside, which may take as
/// long as RADIUS takes.
/// </summary>
internal static class PskAuthentication
{
    /// <summary>Length of the key that stands for an unknown peer's.</summary>
    private const int NobodysKeyOctets = 32;

    public static RequestOutcome Begin(IkeSa sa, InitialOctets octets, FirstAuthRequest request, AuthenticationPayload auth)
    {
        var asked = sa.Endpoint.Now;

        // A copy: AAA may take as long as RADIUS takes, and what else stood in the message need not wait with it.
        var value = new AuthenticationPayload(auth.Method, auth.Value.ToArray());
        return sa.Suspend<LookUpPskCompletion>(
            new LookUpPskEffect(sa.Endpoint.NextOperation(), sa.Session!.Login), found => Verify(sa, octets, request, value, found, asked));
    }

    private static RequestOutcome Verify(
        IkeSa sa, InitialOctets octets, FirstAuthRequest request, AuthenticationPayload auth, LookUpPskCompletion found, MonotonicTime asked)
    {
        using var keys = found.Keys;
        var login = sa.Session!.Login;
        var crypto = sa.Endpoint.Crypto;
        if (found.Unsendable)
            return RequestOutcome.Fail(IkeFailure.AaaUnsendable, found.Refusal ?? "the request does not fit");
        if (found.Unavailable)
            return RequestOutcome.Fail(IkeFailure.AaaUnavailable, found.Refusal ?? "no AAA server answered");

        // A peer that is not known costs the same arithmetic as one with a wrong key, so that time does not tell which identities exist.
        Span<byte> nobody = stackalloc byte[NobodysKeyOctets];
        crypto.Fill(nobody);
        var weNeedOne = login.Profile.Credential is null;
        var usable = keys is not null && !keys.Remote.IsEmpty && !(weNeedOne && keys.Local.IsEmpty);
        var signed = AuthenticationOctets.ForInitiator(crypto, sa.Suite.Prf, octets.Request, octets.NonceR, sa.Keys.SkPi, request.InitiatorId.Body.Span);
        var expected = AuthenticationOctets.SharedKeyMac(crypto, sa.Suite.Prf, usable ? keys!.Remote : nobody, signed);
        var fits = CryptographicOperations.FixedTimeEquals(expected, auth.Value.Span);
        CryptographicOperations.ZeroMemory(expected);
        if (!usable || !fits)
        {
            var why = keys is null ? found.Refusal ?? "there is no pre-shared key for it"
                : !usable ? $"its pre-shared keys lack ours to {(keys.Remote.IsEmpty ? "verify it" : "prove ourselves")} with"
                : "its AUTH does not match its pre-shared key";
            return Refuse(sa, $"{login.RemoteIdentity.Type} {login.RemoteIdentity.Text}: {why}", asked);
        }

        login.User = found.User ?? login.RemoteIdentity.Text;
        if (!weNeedOne)
            return CertificateAuthentication.Prove(sa, octets, request.ResponderId, proof => AuthExchange.Authorize(sa, octets, request, proof));
        login.LocalMethod = "PSK";
        var ours = AuthenticationOctets.ForResponder(crypto, sa.Suite.Prf, octets.Response, octets.NonceI, sa.Keys.SkPr, request.ResponderId.Body.Span);
        var mac = AuthenticationOctets.SharedKeyMac(crypto, sa.Suite.Prf, keys!.Local, ours);
        return AuthExchange.Authorize(sa, octets, request, [request.ResponderId, new AuthenticationPayload(AuthenticationMethod.SharedKey, mac)]);
    }

    // A RADIUS server answers Accept at once and Reject with a delay of its own: both refusals leave us at the same time, or the delay would tell them apart.
    private static RequestOutcome Refuse(IkeSa sa, string detail, MonotonicTime asked) =>
        sa.Postpone(RequestOutcome.Fail(IkeFailure.BadPreSharedKey, detail), asked + sa.Endpoint.PskRefusalDelay);
}
