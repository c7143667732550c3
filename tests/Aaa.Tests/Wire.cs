using System.Text;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests;

/// <summary>Packets by hand, so that the tests do not check the codec with itself alone.</summary>
internal static class Wire
{
    public static byte[] Attribute(byte type, params byte[] value) => [type, (byte)(value.Length + 2), .. value];

    public static byte[] Text(byte type, string value) => Attribute(type, Encoding.UTF8.GetBytes(value));

    public static byte[] Vendor(uint vendor, byte type, byte[] value)
        => Attribute(26, [(byte)(vendor >> 24), (byte)(vendor >> 16), (byte)(vendor >> 8), (byte)vendor, type, (byte)(value.Length + 2), .. value]);

    public static byte[] CiscoPair(string pair) => Vendor(9, 1, Encoding.UTF8.GetBytes(pair));

    public static byte[] Packet(byte code, byte identifier, byte[] authenticator, params byte[][] attributes)
    {
        var list = attributes.SelectMany(a => a).ToArray();
        var length = 20 + list.Length;
        return [code, identifier, (byte)(length >> 8), (byte)length, .. authenticator, .. list];
    }

    /// <summary>A sealed reply, its Message-Authenticator first unless left out.</summary>
    public static byte[] Reply(RadiusPacket request, RadiusCode code, RadiusSecret secret, bool messageAuthenticator, params byte[][] attributes)
    {
        var list = messageAuthenticator ? [Attribute(80, new byte[16]), .. attributes] : attributes;
        var packet = Packet(code.Value, request.Identifier, new byte[16], list);
        RadiusAuthenticatorCodec.Seal(packet, messageAuthenticator ? 22 : 0, request.Authenticator, secret);
        return packet;
    }

    public static RadiusPacket Parse(byte[] datagram)
    {
        Assert.True(RadiusPacket.TryParse(datagram, out var packet, out var error), error.ToString());
        return packet;
    }

    public static RadiusPacket Encode(RadiusRequest request, RadiusSecret secret, byte[] nonce, DateTimeOffset now = default)
    {
        Assert.Null(request.Error);
        var buffer = new byte[request.EncodedLength];
        request.Encode(buffer, 7, nonce, secret, now);
        return Parse(buffer);
    }

    public static List<RadiusAttribute> List(RadiusPacket packet)
    {
        var list = new List<RadiusAttribute>();
        foreach (var attribute in packet.Attributes) list.Add(attribute);
        return list;
    }

    public static List<string> CiscoPairs(RadiusPacket packet)
    {
        var list = new List<string>();
        foreach (var attribute in packet.VendorAttributes(RadiusVendor.Cisco)) list.Add(Encoding.UTF8.GetString(attribute.Value.Span));
        return list;
    }
}
