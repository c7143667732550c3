using System.Buffers.Binary;
using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>
/// FlexVPN's auto-reconnect. A client that asks for the attributes gets a session-id and a token with its addresses; it comes back with the session-id as IDi and the token
/// as pre-shared key, and we prove ourselves by certificate. Nobody is asked about it: the session and what it was granted are kept outside.
/// </summary>
internal static class AutoReconnect
{
    private const int SecretOctets = 32;

    /// <summary>Both are written as lower-case hexadecimal digits, which survive a client that takes them for text.</summary>
    private const int TextOctets = 2 * SecretOctets;

    /// <summary>The request has the form of a return; whether its session-id means anything the outside knows.</summary>
    public static bool IsAttempt(IkeEndpoint endpoint, IkeMessage message)
    {
        var id = message.First<IdPayload>(PayloadType.IdInitiator)!;
        return endpoint.ServesReconnect
            && (id.IdType == IdType.KeyId || id.IdType == IdType.CiscoGroup)
            && id.Value.Length == TextOctets
            && message.First<AuthenticationPayload>()?.Method == AuthenticationMethod.SharedKey
            && IsSecret(id.Value.Span);
    }

    public static RequestOutcome Begin(IkeSa sa, InitialOctets octets, IkeMessage message, PeerClaim claim)
    {
        var asked = sa.Endpoint.Now;
        return sa.Suspend<FindReconnectCompletion>(
            new FindReconnectEffect(sa.Endpoint.NextOperation(), claim.Remote.Value, sa.ProvenSource), found => Verify(sa, octets, message, claim, found, asked));
    }

    /// <summary>Adds to the answer what the client asked of the attributes; with a session-id and a token the session outlives the client's silence.</summary>
    public static ConfigurationPayload Offer(IkeSa sa, ConfigurationPayload asked, ConfigurationPayload reply)
    {
        var session = sa.Session!;
        if (session.Profile.Reconnect is not { } policy)
            return reply;
        if (!asked.Has(policy.SessionId) || !asked.Has(policy.TokenId) || (!session.ReconnectOffered && !IsServed(session)))
            return reply;
        session.ReconnectOffered = true;
        var id = session.Login.ReconnectId?.ToArray() ?? NewSecret(sa.Endpoint);
        session.Offer = new ReconnectOffer(id, NewSecret(sa.Endpoint));
        List<ConfigurationAttribute> attributes =
        [
            // The grant of a session that was kept over a restart may be older than these numbers.
            .. reply.Attributes.Where(a => a.Type != policy.SessionId && a.Type != policy.TokenId && a.Type != policy.CleanupInterval && a.Type != policy.DpdInterval),
            new(policy.SessionId, session.Offer.ReconnectId),
            new(policy.TokenId, session.Offer.Token),
        ];
        if (asked.Has(policy.CleanupInterval))
            attributes.Add(new(policy.CleanupInterval, Seconds(policy.Timeout)));
        if (asked.Has(policy.DpdInterval))
            attributes.Add(new(policy.DpdInterval, Seconds(session.Profile.DpdInterval)));
        return new ConfigurationPayload(reply.ConfigurationType, attributes);
    }

    // The token is a pre-shared key: it must not take the place of one that both sides have already, and we prove ourselves by certificate.
    private static bool IsServed(IkeSession session) => session.Method != "PSK" && session.Profile.Credential is not null;

    private static RequestOutcome Verify(IkeSa sa, InitialOctets octets, IkeMessage message, PeerClaim claim, FindReconnectCompletion found, MonotonicTime asked)
    {
        var endpoint = sa.Endpoint;
        if (found.Profile is null || found.Identity is not { } identity || endpoint.FindReconnectProfile(found.Profile) is not { } profile)
        {
            found.Forget();

            // A branch may be called like this; its keyring knows.
            return endpoint.TrySelectProfile(claim, out var selection, out _) && selection.Profile.RemotePreSharedKey
                ? AuthExchange.HandleClaim(sa, octets, message, claim)
                : Refuse(sa, found.Refusal ?? $"profile {found.Profile} lets nobody come back any more", asked);
        }

        if (!AuthExchange.TryBeginLogin(sa, message, new ProfileSelection(profile, "reconnect"), claim with { Remote = identity }, out var request, out var refusal))
        {
            found.Forget();
            return sa.Postpone(refusal, asked + endpoint.PskRefusalDelay);
        }

        var login = sa.Session!.Login;
        login.Method = "PSK";
        var token = FindToken(sa, octets, request, message.First<AuthenticationPayload>()!, found.Tokens);
        found.Forget();
        if (token is null)
        {
            endpoint.Emit(new ReconnectFailedEffect(claim.Remote.Value, sa.ProvenSource));
            return Refuse(sa, $"{identity.Type} {identity.Text}: its AUTH does not match the token of its session", asked);
        }

        login.ReconnectId = claim.Remote.Value;
        login.ReconnectToken = token.Value;
        sa.Session.ReconnectOffered = true;
        return CertificateAuthentication.Prove(sa, octets, request.ResponderId, proof => AuthExchange.Authorize(sa, octets, request, proof));
    }

    private static long? FindToken(IkeSa sa, InitialOctets octets, FirstAuthRequest request, AuthenticationPayload auth, IReadOnlyList<ReconnectToken> tokens)
    {
        var crypto = sa.Endpoint.Crypto;
        var signed = AuthenticationOctets.ForInitiator(crypto, sa.Suite.Prf, octets.Request, octets.NonceR, sa.Keys.SkPi, request.InitiatorId.Body.Span);
        long? fits = null;
        foreach (var token in tokens)
        {
            var expected = AuthenticationOctets.SharedKeyMac(crypto, sa.Suite.Prf, token.Value, signed);
            if (CryptographicOperations.FixedTimeEquals(expected, auth.Value.Span))
                fits = token.Number;
            CryptographicOperations.ZeroMemory(expected);
        }

        return fits;
    }

    private static RequestOutcome Refuse(IkeSa sa, string detail, MonotonicTime asked) =>
        sa.Postpone(RequestOutcome.Fail(IkeFailure.ReconnectRefused, detail), asked + sa.Endpoint.PskRefusalDelay);

    private static byte[] NewSecret(IkeEndpoint endpoint)
    {
        Span<byte> secret = stackalloc byte[SecretOctets];
        endpoint.Crypto.Fill(secret);
        var text = new byte[TextOctets];
        for (var i = 0; i < SecretOctets; i++)
        {
            text[2 * i] = Digit(secret[i] >> 4);
            text[(2 * i) + 1] = Digit(secret[i] & 15);
        }

        CryptographicOperations.ZeroMemory(secret);
        return text;
    }

    private static bool IsSecret(ReadOnlySpan<byte> text)
    {
        foreach (var octet in text)
        {
            if (!char.IsAsciiHexDigitLower((char)octet))
                return false;
        }

        return true;
    }

    private static byte Digit(int value) => (byte)(value < 10 ? '0' + value : 'a' + value - 10);

    private static byte[] Seconds(TimeSpan time)
    {
        var octets = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(octets, (uint)time.TotalSeconds);
        return octets;
    }
}
