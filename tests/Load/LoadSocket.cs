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

    /// <param name="target">The gateway's port.</param>
    /// <param name="marker">IKE goes behind the non-ESP marker.</param>
    /// <param name="behindNat">What the gateway is told of our address does not fit, as behind a NAT: its ESP then comes in UDP (RFC 7296 2.23).</param>
    public LoadSocket(IPEndPoint target, bool marker, bool behindNat = false)
    {
        Socket = new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { Blocking = false, ReceiveBufferSize = BufferOctets, SendBufferSize = BufferOctets };
        Socket.Connect(target);
        var local = (IPEndPoint)Socket.LocalEndPoint!;
        Path = new IkePath(behindNat ? new IPEndPoint(local.Address, local.Port ^ 1) : local, target, marker);
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

    /// <summary>Sends a datagram as it is: ESP.</summary>
    public void TrySendRaw(ReadOnlySpan<byte> datagram) => Socket.Send(datagram, SocketFlags.None, out _);

    /// <summary>
    /// The next IKE message into the buffer, without marker; false when nothing waits. For ESP and keepalives the message is empty; <paramref name="esp"/> has the former.
    /// </summary>
    public bool TryReceive(byte[] buffer, out ReadOnlyMemory<byte> message, out ReadOnlyMemory<byte> esp)
    {
        message = esp = default;
        var length = Socket.Receive(buffer, SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
            return false;
        if (error != SocketError.Success)
            return error is SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.HostUnreachable or SocketError.NetworkUnreachable;
        if (!Path.NonEspMarker)
            message = buffer.AsMemory(0, length);
        else if (length > MarkerOctets && BitConverter.ToUInt32(buffer) == 0)
            message = buffer.AsMemory(MarkerOctets, length - MarkerOctets);
        else if (length > MarkerOctets)
            esp = buffer.AsMemory(0, length);
        return true;
    }

    public void Dispose() => Socket.Dispose();
}
