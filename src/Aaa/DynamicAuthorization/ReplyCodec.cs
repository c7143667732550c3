using System.Buffers.Binary;
using Headend.Aaa.Radius;

namespace Headend.Aaa.DynamicAuthorization;

/// <summary>Builds ACKs and NAKs (RFC 5176 2.3, 3.5).</summary>
public static class ReplyCodec
{
    private const int MessageAuthenticatorOffset = RadiusPacket.HeaderLength + 2;
    private const uint AuthorizeOnly = 17;

    /// <summary>Header, Message-Authenticator, Error-Cause and Service-Type.</summary>
    private const int Overhead = RadiusPacket.HeaderLength + 18 + 6 + 6;

    /// <summary>Whether the answer has room for what it must echo.</summary>
    public static bool Fits(RadiusPacket request)
    {
        var length = Overhead;
        foreach (var attribute in request.Attributes)
        {
            if (IsEchoed(attribute.Type)) length += 2 + attribute.Value.Length;
        }
        return length <= RadiusPacket.MaximumLength;
    }

    /// <summary>The sealed reply to a request for which <see cref="Fits"/> holds: Message-Authenticator first, then the Error-Cause of a NAK, then what is echoed.</summary>
    public static byte[] Build(RadiusPacket request, RadiusSecret secret, ErrorCause? cause)
    {
        Span<byte> packet = stackalloc byte[RadiusPacket.MaximumLength];
        // 41 and 42 answer 40, 44 and 45 answer 43.
        packet[0] = (byte)(request.Code.Value + (cause is null ? 1 : 2));
        packet[1] = request.Identifier;
        packet[RadiusPacket.HeaderLength] = RadiusAttributeType.MessageAuthenticator.Value;
        packet[RadiusPacket.HeaderLength + 1] = 18;
        var at = RadiusPacket.HeaderLength + 18;
        if (cause is { } error) at = Append(packet, at, RadiusAttributeType.ErrorCause, error.Value);
        // RFC 5176 3.2: the CoA-NAK to Authorize Only says Service-Type = Authorize Only and Request Initiated.
        if (cause == ErrorCause.RequestInitiated) at = Append(packet, at, RadiusAttributeType.ServiceType, AuthorizeOnly);
        foreach (var attribute in request.Attributes)
        {
            // RFC 5176 3.1, 3.3: Proxy-State and State go back unmodified, in the order of the request.
            if (!IsEchoed(attribute.Type)) continue;
            packet[at] = attribute.Type.Value;
            packet[at + 1] = (byte)(2 + attribute.Value.Length);
            attribute.Value.Span.CopyTo(packet[(at + 2)..]);
            at += 2 + attribute.Value.Length;
        }
        RadiusAuthenticatorCodec.Seal(packet[..at], MessageAuthenticatorOffset, request.Authenticator, secret);
        return packet[..at].ToArray();
    }

    private static bool IsEchoed(RadiusAttributeType type) => type == RadiusAttributeType.ProxyState || type == RadiusAttributeType.State;

    private static int Append(Span<byte> packet, int at, RadiusAttributeType type, uint value)
    {
        packet[at] = type.Value;
        packet[at + 1] = 6;
        BinaryPrimitives.WriteUInt32BigEndian(packet[(at + 2)..], value);
        return at + 6;
    }
}
