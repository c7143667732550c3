using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Headend.Aaa.Server;

/// <summary>
/// A UDP socket that answers from the address it was asked at. On a wildcard socket the kernel would choose the address of the route back, which on a machine
/// with several is often another: the asker then takes the answer for a stranger's. Sending is safe from any thread.
/// </summary>
internal sealed partial class SourceAddressSocket : IDisposable
{
    private const int IPPROTO_IP = 0;
    private const int IP_PKTINFO = 8;
    private const int IPPROTO_IPV6 = 41;
    private const int IPV6_PKTINFO = 50;

    private readonly Socket socket;

    /// <exception cref="SocketException">The address or port cannot be used.</exception>
    public SourceAddressSocket(IPEndPoint local)
    {
        socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (local.AddressFamily == AddressFamily.InterNetworkV6) socket.DualMode = false;
            var level = local.AddressFamily == AddressFamily.InterNetworkV6 ? SocketOptionLevel.IPv6 : SocketOptionLevel.IP;
            socket.SetSocketOption(level, SocketOptionName.PacketInformation, true);
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

    /// <summary>Receives one datagram; null when the socket is disposed.</summary>
    public async ValueTask<(int Length, IPEndPoint Source, IPAddress Local)?> ReceiveAsync(Memory<byte> buffer)
    {
        var any = new IPEndPoint(LocalEndPoint.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        while (true)
        {
            try
            {
                var received = await socket.ReceiveMessageFromAsync(buffer, SocketFlags.None, any).ConfigureAwait(false);
                return (received.ReceivedBytes, (IPEndPoint)received.RemoteEndPoint, received.PacketInformation.Address);
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.OperationAborted or SocketError.Interrupted)
            {
                return null;
            }
            catch (SocketException)
            {
                // An ICMP error to an earlier answer, or a datagram longer than the buffer, which is no RADIUS packet.
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
        }
    }

    /// <summary>Sends from <paramref name="local"/>. A full queue or an unreachable asker loses the answer, as any UDP datagram; the asker asks again.</summary>
    public unsafe void Send(ReadOnlySpan<byte> datagram, IPEndPoint destination, IPAddress local)
    {
        var name = destination.Serialize().Buffer.Span;
        Span<byte> control = stackalloc byte[40];
        control.Clear();
        var length = WriteControl(control, local, destination.Address.ScopeIdOrZero());
        fixed (byte* octets = datagram)
        fixed (byte* address = name)
        fixed (byte* ancillary = control)
        {
            var vector = new IoVector { Base = (nint)octets, Length = (nuint)datagram.Length };
            var message = new MessageHeader
            {
                Name = (nint)address,
                NameLength = (uint)name.Length,
                Vectors = (nint)(&vector),
                VectorCount = 1,
                Control = (nint)ancillary,
                ControlLength = (nuint)length,
            };
            try
            {
                SendMessage(socket.SafeHandle, &message, 0);
            }
            catch (ObjectDisposedException)
            {
                // The server is stopping.
            }
        }
    }

    public void Dispose() => socket.Dispose();

    /// <summary>struct cmsghdr, then in_pktinfo or in6_pktinfo (ip(7), ipv6(7)); the return value is CMSG_SPACE of it.</summary>
    private static int WriteControl(Span<byte> control, IPAddress local, uint scope)
    {
        var ipv6 = local.AddressFamily == AddressFamily.InterNetworkV6;
        MemoryMarshal.Write(control, (nuint)(16 + (ipv6 ? 20 : 12)));
        MemoryMarshal.Write(control[8..], ipv6 ? IPPROTO_IPV6 : IPPROTO_IP);
        MemoryMarshal.Write(control[12..], ipv6 ? IPV6_PKTINFO : IP_PKTINFO);
        if (ipv6)
        {
            local.TryWriteBytes(control[16..], out _);
            MemoryMarshal.Write(control[32..], scope);
            return 40;
        }

        // ipi_ifindex stays 0: the route decides the interface; ipi_spec_dst is the source address.
        local.TryWriteBytes(control[20..], out _);
        return 32;
    }

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static unsafe partial nint SendMessage(SafeSocketHandle socket, MessageHeader* message, int flags);

    [StructLayout(LayoutKind.Sequential)]
    private struct IoVector
    {
        public nint Base;
        public nuint Length;
    }

    /// <summary>struct msghdr of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public nint Name;
        public uint NameLength;
        public nint Vectors;
        public nuint VectorCount;
        public nint Control;
        public nuint ControlLength;
        public int Flags;
    }
}

internal static class ScopeExtensions
{
    /// <summary>The interface of a link-local address, which its answer must leave by.</summary>
    public static uint ScopeIdOrZero(this IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 && address.IsIPv6LinkLocal ? (uint)address.ScopeId : 0;
}
