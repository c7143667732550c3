using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Headend.Aaa.DynamicAuthorization;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.DynamicAuthorization;

/// <summary>Requests as a dynamic authorization client seals them, by hand and with .NET's MD5 alone.</summary>
internal static class DynamicWire
{
    public const byte Disconnect = 40;
    public const byte Coa = 43;

    public static readonly IPEndPoint Source = new(IPAddress.Parse("192.0.2.7"), 40000);
    public static readonly IPAddress Local = IPAddress.Parse("192.0.2.1");
    public const string Secret = "a-secret-of-24-octets-xy";

    public static readonly byte[] AcctSessionId = Wire.Text(44, "66AB0000000000AA");

    public static byte[] EventTimestamp(DateTimeOffset at) => UInt32(55, (uint)at.ToUnixTimeSeconds());

    public static byte[] UInt32(byte type, uint value)
    {
        var octets = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(octets, value);
        return Wire.Attribute(type, octets);
    }

    /// <summary>A sealed request whose Message-Authenticator stands last, as FreeRADIUS puts it.</summary>
    public static byte[] Request(byte code, byte identifier, params byte[][] attributes) => Seal(Wire.Packet(code, identifier, new byte[16], [.. attributes, Wire.Attribute(80, new byte[16])]), Secret);

    public static byte[] RequestWithoutMessageAuthenticator(byte code, byte identifier, params byte[][] attributes) =>
        SealAuthenticator(Wire.Packet(code, identifier, new byte[16], attributes), Secret);

    public static byte[] Seal(byte[] packet, string secret)
    {
        var value = packet.AsSpan(packet.Length - 16);
        value.Clear();
        packet.AsSpan(4, 16).Clear();
        HMACMD5.HashData(Encoding.ASCII.GetBytes(secret), packet, value);
        return SealAuthenticator(packet, secret);
    }

    public static byte[] SealAuthenticator(byte[] packet, string secret)
    {
        packet.AsSpan(4, 16).Clear();
        MD5.HashData([.. packet, .. Encoding.ASCII.GetBytes(secret)]).CopyTo(packet, 4);
        return packet;
    }

    public static DynamicAuthorizationOptions Options(params DynamicAuthorizationClientOptions[] clients) => new()
    {
        Clients = clients.Length > 0 ? clients : [new DynamicAuthorizationClientOptions(new IPNetwork(Source.Address, 32), RadiusSecret.FromText(Secret))],
    };

    /// <summary>What a reply says, its authenticators verified against the request.</summary>
    public static (byte Code, uint? ErrorCause, List<RadiusAttribute> Attributes) Read(byte[] reply, byte[] request, string secret = Secret)
    {
        var packet = Wire.Parse(reply);
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyReply(packet, request.AsSpan(4, 16), RadiusSecret.FromText(secret), requireMessageAuthenticator: true));
        Assert.Equal(request[1], packet.Identifier);
        // CVE-2024-3596: the Message-Authenticator comes before anything that the other side chose.
        Assert.Equal(RadiusAttributeType.MessageAuthenticator, Wire.List(packet)[0].Type);
        uint? cause = packet.TryGet(RadiusAttributeType.ErrorCause, out var attribute) && attribute.TryGetUInt32(out var number) ? number : null;
        return (packet.Code.Value, cause, Wire.List(packet));
    }
}
