using System.Net;
using System.Net.Sockets;
using Headend.Ikev2;

namespace Headend.Load;

/// <summary>One connected UDP socket to one port of the gateway. Owned by the load thread.</summary>
internal sealed class LoadSocket : IDisposable
{
    private const int MarkerOctets = 4;
    private const int BufferOctets = 4 * 1024 * 1024;

    private readonly byte[] _sending = new byte[MarkerOctets + 65_536];

    public LoadSocket(IPEndPoint target, bool marker)
    {
        Socket = new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { Blocking = false, ReceiveBufferSize = BufferOctets, SendBufferSize = BufferOctets };
        Socket.Connect(target);
        Path = new IkePath((IPEndPoint)Socket.LocalEndPoint!, target, marker);
    }

    public Socket Socket { get; }

    public IkePath Path { get; }

    /// <summary>False when the kernel took it not: its retransmission will come.</summary>
    public bool TrySend(byte[] message)
    {
        ReadOnlySpan<byte> datagram = message;
        if (Path.NonEspMarker)
        {
            message.CopyTo(_sending, MarkerOctets);
            datagram = _sending.AsSpan(0, MarkerOctets + message.Length);
        }

        Socket.Send(datagram, SocketFlags.None, out var error);
        return error == SocketError.Success;
    }

    /// <summary>The next IKE message into the buffer, without marker; false when nothing waits. ESP and keepalives are skipped as empty messages.</summary>
    public bool TryReceive(byte[] buffer, out ReadOnlyMemory<byte> message)
    {
        message = default;
        var length = Socket.Receive(buffer, SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
            return false;
        if (error != SocketError.Success)
            return error is SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.HostUnreachable or SocketError.NetworkUnreachable;
        if (!Path.NonEspMarker)
            message = buffer.AsMemory(0, length);
        else if (length > MarkerOctets && BitConverter.ToUInt32(buffer) == 0)
            message = buffer.AsMemory(MarkerOctets, length - MarkerOctets);
        return true;
    }

    public void Dispose() => Socket.Dispose();
}
