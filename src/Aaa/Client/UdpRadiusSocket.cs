using System.Net;
using System.Net.Sockets;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Client;

/// <summary>One source port. Connected, so that the kernel drops what comes from elsewhere and reports a closed port.</summary>
internal sealed class UdpRadiusSocket : RadiusSocket
{
    private readonly Socket socket;
    private readonly RadiusServer server;

    public UdpRadiusSocket(RadiusServer server, IPEndPoint remote)
    {
        this.server = server;
        socket = Open(server.Options, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            // Replies to a burst of logins arrive as a burst; the kernel caps this at rmem_max.
            socket.ReceiveBufferSize = 1 << 20;
            socket.Connect(remote);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    public override bool TrySend(ReadOnlySpan<byte> packet)
    {
        // An ICMP error of an earlier datagram is reported at the next call, which then sends nothing: once more.
        for (var attempt = 0; attempt < 2; attempt++)
        {
            try
            {
                socket.Send(packet, SocketFlags.None);
                return true;
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionRefused)
            {
                server.HandleRefused(this, beforeSending: true);
            }
            catch (SocketException)
            {
                return false;
            }
            catch (ObjectDisposedException)
            {
                return false;
            }
        }
        return false;
    }

    /// <summary>Receives until the socket is disposed.</summary>
    public async Task ReceiveAsync()
    {
        var buffer = GC.AllocateUninitializedArray<byte>(RadiusPacket.MaximumLength + 1, pinned: true);
        while (true)
        {
            int length;
            try
            {
                length = await socket.ReceiveAsync(buffer.AsMemory(), SocketFlags.None).ConfigureAwait(false);
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.OperationAborted or SocketError.Interrupted)
            {
                return;
            }
            catch (SocketException error)
            {
                if (error.SocketErrorCode == SocketError.ConnectionRefused) server.HandleRefused(this, beforeSending: false);
                continue;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            server.HandleReply(this, buffer.AsSpan(0, length));
        }
    }

    public override void Dispose() => socket.Dispose();
}
