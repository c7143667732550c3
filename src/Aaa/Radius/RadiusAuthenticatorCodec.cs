using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Headend.Aaa.Radius;

/// <summary>
/// The three authenticators of RADIUS: the Authenticator field of replies (RFC 2865 3) and of computed requests (RFC 2866 3, RFC 5176 2.3), and
/// the Message-Authenticator attribute (RFC 3579 3.2). All comparisons are fixed-time.
/// </summary>
public static class RadiusAuthenticatorCodec
{
    private const int AuthenticatorOffset = 4;

    /// <summary>
    /// Verifies a reply against the Request Authenticator it answers: Response Authenticator first, then the Message-Authenticator if there is one.
    /// </summary>
    /// <param name="reply">A reply that <see cref="RadiusPacket.TryParse"/> accepted.</param>
    /// <param name="requestAuthenticator">The 16 octets sent in the request.</param>
    /// <param name="secret">Of the server asked.</param>
    /// <param name="requireMessageAuthenticator">Whether a reply without Message-Authenticator fails.</param>
    public static RadiusError VerifyReply(
        RadiusPacket reply, ReadOnlySpan<byte> requestAuthenticator, RadiusSecret secret, bool requireMessageAuthenticator)
        => VerifyReply(reply.Octets.Span, reply.MessageAuthenticatorOffset, requestAuthenticator, secret, requireMessageAuthenticator);

    internal static RadiusError VerifyReply(
        ReadOnlySpan<byte> reply, int messageAuthenticatorOffset, ReadOnlySpan<byte> requestAuthenticator, RadiusSecret secret, bool requireMessageAuthenticator)
    {
        Span<byte> expected = stackalloc byte[16];
        Digest(reply, requestAuthenticator, secret, expected);
        if (!CryptographicOperations.FixedTimeEquals(expected, reply.Slice(AuthenticatorOffset, 16))) return RadiusError.BadAuthenticator;
        if (messageAuthenticatorOffset == 0) return requireMessageAuthenticator ? RadiusError.MissingMessageAuthenticator : RadiusError.None;
        var error = VerifyMessageAuthenticator(reply, messageAuthenticatorOffset, requestAuthenticator, secret);
        // No RFC says how that of an Accounting-Response is made. FreeRADIUS 3 puts zeros where others put the Request Authenticator; records that it took must not be
        // sent for ever.
        if (error != RadiusError.None && reply[0] == RadiusCode.AccountingResponse.Value)
            error = VerifyMessageAuthenticator(reply, messageAuthenticatorOffset, stackalloc byte[16], secret);
        return error;
    }

    /// <summary>
    /// Verifies an Accounting-, Disconnect- or CoA-Request: Request Authenticator over the packet with that field zero (RFC 2866 3, RFC 5176 2.3), then the
    /// Message-Authenticator. An Access-Request or Status-Server carries a nonce, so only its Message-Authenticator is checked.
    /// </summary>
    public static RadiusError VerifyRequest(RadiusPacket request, RadiusSecret secret, bool requireMessageAuthenticator)
    {
        ReadOnlySpan<byte> zeros = stackalloc byte[16];
        var octets = request.Octets.Span;
        var computed = request.Code.HasComputedRequestAuthenticator;
        if (computed)
        {
            Span<byte> expected = stackalloc byte[16];
            Digest(octets, zeros, secret, expected);
            if (!CryptographicOperations.FixedTimeEquals(expected, request.Authenticator)) return RadiusError.BadAuthenticator;
        }
        if (!request.HasMessageAuthenticator) return requireMessageAuthenticator ? RadiusError.MissingMessageAuthenticator : RadiusError.None;
        // RFC 5176 3.4: in CoA and Disconnect the Request Authenticator counts as sixteen octets of zero; accounting with the attribute is read likewise.
        return VerifyMessageAuthenticator(octets, request.MessageAuthenticatorOffset, computed ? zeros : request.Authenticator, secret);
    }

    /// <summary>
    /// Finishes an encoded packet in place: Length is set; the Message-Authenticator, if it has a place, and the Authenticator field are computed.
    /// </summary>
    /// <param name="packet">Code, Identifier, space for Length and Authenticator, attributes.</param>
    /// <param name="messageAuthenticatorOffset">Of the 16 octets of its value, or 0 for none.</param>
    /// <param name="requestAuthenticator">For Access-Request and Status-Server the nonce; for replies the authenticator of the request; unused otherwise.</param>
    /// <param name="secret">Shared with the receiver.</param>
    public static void Seal(Span<byte> packet, int messageAuthenticatorOffset, ReadOnlySpan<byte> requestAuthenticator, RadiusSecret secret)
    {
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
        var code = new RadiusCode(packet[0]);
        var field = packet.Slice(AuthenticatorOffset, 16);
        if (code.HasComputedRequestAuthenticator) field.Clear();
        else requestAuthenticator.CopyTo(field);
        if (messageAuthenticatorOffset != 0)
        {
            var value = packet.Slice(messageAuthenticatorOffset, 16);
            value.Clear();
            HMACMD5.HashData(secret.Octets, packet, value);
        }
        if (code == RadiusCode.AccessRequest || code == RadiusCode.StatusServer) return;
        Span<byte> digest = stackalloc byte[16];
        Digest(packet, field, secret, digest);
        digest.CopyTo(field);
    }

    private static RadiusError VerifyMessageAuthenticator(ReadOnlySpan<byte> packet, int offset, ReadOnlySpan<byte> authenticator, RadiusSecret secret)
    {
        // RFC 3579 3.2: HMAC-MD5 over the packet with the Request Authenticator in its field and sixteen octets of zero as the attribute's value.
        Span<byte> copy = stackalloc byte[packet.Length];
        packet.CopyTo(copy);
        authenticator.CopyTo(copy[AuthenticatorOffset..]);
        copy.Slice(offset, 16).Clear();
        Span<byte> expected = stackalloc byte[16];
        HMACMD5.HashData(secret.Octets, copy, expected);
        return CryptographicOperations.FixedTimeEquals(expected, packet.Slice(offset, 16)) ? RadiusError.None : RadiusError.BadMessageAuthenticator;
    }

    /// <summary>MD5(Code + Identifier + Length + authenticator + Attributes + Secret).</summary>
    private static void Digest(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> authenticator, RadiusSecret secret, Span<byte> digest)
    {
        var key = secret.Octets;
        Span<byte> input = stackalloc byte[packet.Length + key.Length];
        packet.CopyTo(input);
        authenticator.CopyTo(input[AuthenticatorOffset..]);
        key.CopyTo(input[packet.Length..]);
        MD5.HashData(input, digest);
        CryptographicOperations.ZeroMemory(input[packet.Length..]);
    }
}
