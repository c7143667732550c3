using System.Net;
using System.Net.Sockets;
using Headend.Aaa.Dhcp;

namespace Headend.Aaa.Client;

/// <summary>The relay's port at one giaddr: servers answer to giaddr and the DHCP server port (RFC 2131 4.1). Sending is safe from any thread.</summary>
internal sealed class DhcpSocket : IDisposable
{
    private readonly Socket socket;
    private readonly DhcpClient client;

    /// <exception cref="SocketException">The address is not of this machine, or another program has the port.</exception>
    public DhcpSocket(IPEndPoint local, DhcpClient client)
    {
        this.client = client;
        socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            // A DHCP server or relay of this machine has the port on all addresses, and lets others have it on theirs.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.ReceiveBufferSize = 1 << 20;
            socket.Bind(local);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
        LocalEndPoint = (IPEndPoint)socket.LocalEndPoint!;
    }

    public IPEndPoint LocalEndPoint { get; }

    /// <summary>A datagram that cannot be sent now is lost, as any may be; it is sent again.</summary>
    public void Send(ReadOnlySpan<byte> datagram, IPEndPoint server)
    {
        try
        {
            socket.SendTo(datagram, SocketFlags.None, server);
        }
        catch (SocketException)
        {
            client.CountUnsent();
        }
        catch (ObjectDisposedException)
        {
            // The client is stopping.
        }
    }

    /// <summary>Receives until the socket is disposed.</summary>
    public async Task ReceiveAsync()
    {
        var buffer = GC.AllocateUninitializedArray<byte>(DhcpCodec.MaximumLength + 1, pinned: true);
        var any = new IPEndPoint(IPAddress.Any, 0);
        while (true)
        {
            try
            {
                var received = await socket.ReceiveFromAsync(buffer.AsMemory(), SocketFlags.None, any).ConfigureAwait(false);
                client.HandleDatagram(this, buffer.AsSpan(0, received.ReceivedBytes), (IPEndPoint)received.RemoteEndPoint);
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.OperationAborted or SocketError.Interrupted)
            {
                return;
            }
            catch (SocketException)
            {
                // A datagram that is too long, or an ICMP error to one of ours.
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    }

    public void Dispose() => socket.Dispose();
}
