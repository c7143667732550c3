using System.Net;
using System.Net.Sockets;
using Headend.Aaa.Radius;

namespace Headend.Load;

/// <summary>One thread that answers every request, sealed as a server must.</summary>
internal sealed class RadiusEcho : IDisposable
{
    private readonly Socket socket;
    private readonly RadiusSecret secret;

    public RadiusEcho(IPEndPoint listen, string secret)
    {
        this.secret = RadiusSecret.FromText(secret);
        socket = new Socket(listen.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 8 << 20 };
        socket.Bind(listen);
        new Thread(Serve) { IsBackground = true }.Start();
    }

    public IPEndPoint EndPoint => (IPEndPoint)socket.LocalEndPoint!;

    public void Dispose() => socket.Dispose();

    private void Serve()
    {
        var request = new byte[RadiusPacket.MaximumLength];
        var reply = new byte[RadiusPacket.HeaderLength + 18];
        var from = new SocketAddress(socket.AddressFamily);
        while (true)
        {
            try
            {
                if (socket.ReceiveFrom(request, SocketFlags.None, from) < RadiusPacket.HeaderLength)
                    continue;
                reply[0] = request[0] == RadiusCode.AccountingRequest.Value ? RadiusCode.AccountingResponse.Value : RadiusCode.AccessAccept.Value;
                reply[1] = request[1];
                // Only an Access-Accept has a Message-Authenticator: servers disagree on that of an Accounting-Response.
                var accepts = reply[0] == RadiusCode.AccessAccept.Value;
                reply[RadiusPacket.HeaderLength] = RadiusAttributeType.MessageAuthenticator.Value;
                reply[RadiusPacket.HeaderLength + 1] = 18;
                var packet = reply.AsSpan(0, accepts ? reply.Length : RadiusPacket.HeaderLength);
                RadiusAuthenticatorCodec.Seal(packet, accepts ? RadiusPacket.HeaderLength + 2 : 0, request.AsSpan(4, 16), secret);
                socket.SendTo(packet, SocketFlags.None, from);
            }
            catch (SocketException error) when (error.SocketErrorCode is not (SocketError.OperationAborted or SocketError.Interrupted or SocketError.NotSocket))
            {
                // A client that has gone.
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }
}
