using System.Net;
using System.Net.Sockets;
using Headend.Aaa.Radius;

namespace Headend.Tests.Runtime;

/// <summary>A dynamic authorization client (RFC 5176) on loopback.</summary>
internal sealed class DynamicAuthorizationClient
{
    private const string Secret = "a-secret-of-24-octets-xy";

    private readonly int port = LiveHeadend.FreePort();
    private byte identifier;

    /// <summary>Key of the section `radius`: the headend listens to it.</summary>
    public string Yaml => $$"""dynamic-author: { port: {{port}}, addresses: [127.0.0.1], clients: [ { address: 127.0.0.0/8, secret: {{Secret}} } ] }""";

    public (int Code, uint? Cause) Disconnect(params byte[][] attributes) => Ask(40, attributes);

    /// <summary>A CoA-Request.</summary>
    public (int Code, uint? Cause) Change(params byte[][] attributes) => Ask(43, attributes);

    /// <summary>Sends a sealed request and answers code and Error-Cause of the reply.</summary>
    private (int Code, uint? Cause) Ask(byte code, byte[][] attributes)
    {
        using var secret = RadiusSecret.FromText(Secret);
        byte[] packet = [code, ++identifier, 0, 0, .. new byte[16], 80, 18, .. new byte[16], .. attributes.SelectMany(a => a)];
        RadiusAuthenticatorCodec.Seal(packet, 22, new byte[16], secret);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 30_000 };
        socket.Connect(IPAddress.Loopback, port);
        socket.Send(packet);
        var buffer = new byte[4096];
        var length = socket.Receive(buffer);
        Assert.True(RadiusPacket.TryParse(buffer.AsSpan(0, length), out var reply, out var error), error.ToString());
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyReply(reply, packet.AsSpan(4, 16), secret, requireMessageAuthenticator: true));
        uint? cause = reply.TryGet(RadiusAttributeType.ErrorCause, out var attribute) && attribute.TryGetUInt32(out var number) ? number : null;
        return (reply.Code.Value, cause);
    }
}
