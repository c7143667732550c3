using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Linux;

/// <summary>
/// A datagram socket that receives in batches (recvmmsg) and tells the local address of each datagram, also when bound to a wildcard.
/// Datagrams of one sender that the kernel joined (UDP_GRO, udp(7)) are told apart again. One thread receives; any thread sends. The packets of a batch are valid until the
/// next <see cref="Receive"/>.
/// </summary>
public sealed unsafe class BatchSocket : IDisposable
{
    /// <summary>Datagrams per system call.</summary>
    public const int BatchSize = 64;

    /// <summary>Octets per slot: the largest UDP datagram, and an odd number of cache lines so that slots do not share cache sets.</summary>
    private const int Stride = 64 * 1027;

    private const int SOCK_RAW = 3;
    private const int SOCK_CLOEXEC = 0x80000;
    private const int IPPROTO_ESP = 50;
    private const int SOL_SOCKET = 1;
    private const int SO_SNDBUFFORCE = 32;
    private const int SO_RCVBUFFORCE = 33;
    private const int SolUdp = 17;
    private const int SO_REUSEADDR = 2;
    private const int DiscardPort = 9;
    private const int IpMtuDiscover = 10;

    /// <summary>IP_PMTUDISC_PROBE: DF set, the interface's MTU alone counts; what the path takes is known per session.</summary>
    private const int DiscoverProbe = 3;

    /// <summary>IP_PMTUDISC_OMIT: DF clear, fragments at the interface's MTU; forged ICMP changes nothing in the kernel (and unlike with DONT it is told of).</summary>
    private const int DiscoverOmit = 5;
    private const int IpReceiveTos = 13;
    private const int Ipv6ReceiveTrafficClass = 66;
    private const int UdpGro = 104;
    private const int SlotMetadata = 128;

    /// <summary>Reads from one wait to the next from which on a sender counts as busy.</summary>
    private const int BusyReads = 4;

    /// <summary>How long datagrams of a busy sender gather before the next call, as a network card's interrupt moderation has it: fewer calls and wake-ups, longer joined TCP.
    /// The kernel adds its timer slack of 50 microseconds. Whoever sends a datagram at a time never waits.</summary>
    private const int GatherNanoseconds = 60_000;

    /// <summary>Datagrams of one sender that the kernel joins at most (UDP_GRO_CNT_MAX is 64, UDP_MAX_SEGMENTS of a local sender 128).</summary>
    private const int MostJoined = 128;
    private const int ControlOffset = 32;
    private const int ControlLength = SlotMetadata - ControlOffset;

    private readonly Socket socket;
    private readonly int descriptor;
    private readonly bool rawIPv4;
    private readonly ushort port;
    private readonly EventSignal stop = new();
    private readonly byte* packets;
    private readonly byte* metadata;
    private readonly IoVector* vectors;
    private readonly MultiMessageHeader* messages;
    private readonly Piece[] pieces = new Piece[BatchSize * MostJoined];
    private long receiveErrors;
    private long sendErrors;
    private volatile bool stopped;
    private volatile Action<PathMtuReport>? onPathMtu;
    private Socket? dontFragment;
    private bool disposed;

    /// <summary>What came since the last wait. The receiving thread's own.</summary>
    private int reads;

    private BatchSocket(Socket socket, bool raw)
    {
        this.socket = socket;
        descriptor = (int)socket.SafeHandle.DangerousGetHandle();
        rawIPv4 = raw && socket.AddressFamily == AddressFamily.InterNetwork;
        LocalEndPoint = (IPEndPoint)socket.LocalEndPoint!;
        port = raw ? (ushort)0 : (ushort)LocalEndPoint.Port;
        LocalAddress = TransportAddress.From(LocalEndPoint.Address, port);
        packets = (byte*)NativeMemory.AlignedAlloc(BatchSize * Stride, 64);
        metadata = (byte*)NativeMemory.AllocZeroed(BatchSize, SlotMetadata);
        vectors = (IoVector*)NativeMemory.AllocZeroed(BatchSize, (nuint)sizeof(IoVector));
        messages = (MultiMessageHeader*)NativeMemory.AllocZeroed(BatchSize, (nuint)sizeof(MultiMessageHeader));
        for (var i = 0; i < BatchSize; i++)
        {
            vectors[i] = new IoVector { Base = packets + (i * Stride), Length = 65536 };
            messages[i].Header.Vectors = vectors + i;
            messages[i].Header.VectorCount = 1;
            messages[i].Header.Name = metadata + (i * SlotMetadata);
            messages[i].Header.Control = metadata + (i * SlotMetadata) + ControlOffset;
        }
    }

    public IPEndPoint LocalEndPoint { get; }

    /// <summary>Receive calls that failed for another reason than "nothing there".</summary>
    public long ReceiveErrors => Volatile.Read(ref receiveErrors);

    public long SendErrors => Volatile.Read(ref sendErrors);

    internal TransportAddress LocalAddress { get; }

    internal int Descriptor => descriptor;

    /// <summary>Sends from the same port with DF set, and refuses what is larger than the interface's MTU (EMSGSIZE, and its error queue tells that MTU); -1 = there is none. Receives nothing.</summary>
    internal int DontFragmentDescriptor => dontFragment is { } open ? (int)open.SafeHandle.DangerousGetHandle() : -1;

    /// <summary>Opens and binds a UDP socket. The IPv4 DF bit stays clear: large IKE messages and ESP may be fragmented on the way.</summary>
    /// <param name="local">Address and port; wildcards allowed, :: takes IPv6 only.</param>
    /// <param name="bufferOctets">Socket buffers in each direction; without CAP_NET_ADMIN the kernel caps it at net.core.rmem_max.</param>
    /// <exception cref="SocketException">Address in use, no permission, no such address.</exception>
    public static BatchSocket BindUdp(IPEndPoint local, int bufferOctets = 4 << 20) =>
        Open(new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp), local, raw: false, bufferOctets);

    /// <summary>Opens a raw socket for IP protocol 50 on all addresses of the family.</summary>
    /// <exception cref="SocketException">No CAP_NET_RAW, or no such family.</exception>
    internal static BatchSocket OpenRawEsp(AddressFamily family, int bufferOctets = 4 << 20)
    {
        var v4 = family == AddressFamily.InterNetwork;
        return Open(NewRawEsp(v4), new IPEndPoint(v4 ? IPAddress.Any : IPAddress.IPv6Any, 0), raw: true, bufferOctets);
    }

    /// <summary>Waits for datagrams.</summary>
    /// <returns>Number of datagrams in this batch, of at most <see cref="BatchSize"/> reads; 0 after <see cref="Stop"/>.</returns>
    public int Receive()
    {
        while (!stopped)
        {
            for (var i = 0; i < BatchSize; i++)
            {
                messages[i].Header.NameLength = SocketAddressCodec.MaximumAddress;
                messages[i].Header.ControlLength = ControlLength;
            }

            var count = NativeMethods.ReceiveMessages(descriptor, messages, BatchSize, NativeMethods.MSG_DONTWAIT, null);
            if (count > 0)
            {
                reads += count;
                return Divide(count);
            }

            var errno = count < 0 ? Marshal.GetLastPInvokeError() : 0;
            // ECONNREFUSED and the like report an ICMP error of an earlier send; the socket goes on.
            if (errno is not (Errno.EAGAIN or Errno.EINTR))
            {
                Interlocked.Increment(ref receiveErrors);
                if (onPathMtu is { } handler) ErrorQueue.Drain(descriptor, handler);
            }

            var busy = reads >= BusyReads;
            reads = 0;
            if (busy) Gather();
            else if (!WaitReadable()) return 0;
        }

        return 0;
    }

    /// <summary>The datagram, writable; for IP protocol 50 without the IP header. Empty when it was truncated.</summary>
    public Span<byte> Packet(int index)
    {
        var piece = pieces[index];
        if ((messages[piece.Message].Header.Flags & NativeMethods.MSG_TRUNC) != 0) return [];
        var packet = new Span<byte>(packets + (piece.Message * Stride) + piece.Offset, piece.Length);
        if (!rawIPv4) return packet;
        var header = packet.IsEmpty ? 0 : (packet[0] & 15) * 4;
        return header <= packet.Length ? packet[header..] : [];
    }

    /// <summary>Where the datagram came from.</summary>
    public TransportAddress Remote(int index)
    {
        ref var message = ref messages[pieces[index].Message];
        var known = SocketAddressCodec.TryRead(new ReadOnlySpan<byte>(message.Header.Name, (int)Math.Min(message.Header.NameLength, SocketAddressCodec.MaximumAddress)), out var address);
        return !known ? default : port == 0 ? address with { Port = 0 } : address;
    }

    /// <summary>The address it was sent to, with this socket's port.</summary>
    public TransportAddress Local(int index)
    {
        ref var message = ref messages[pieces[index].Message];
        return SocketAddressCodec.TryReadLocal(new ReadOnlySpan<byte>(message.Header.Control, (int)Math.Min(message.Header.ControlLength, ControlLength)), port, out var local)
            ? local
            : LocalAddress;
    }

    /// <summary>TOS or traffic class octet of the packet that brought it.</summary>
    public byte TrafficClass(int index) => pieces[index].TrafficClass;

    /// <summary>Sends one datagram from <paramref name="local"/> (its port is ignored; unspecified lets the kernel choose). Never blocks.</summary>
    /// <param name="datagram">Payload.</param>
    /// <param name="local">Source address.</param>
    /// <param name="remote">Destination.</param>
    /// <returns>0, or the errno of the failure, which is also counted; full buffers count as failure, the sender's retransmission repairs it.</returns>
    public int Send(ReadOnlySpan<byte> datagram, in TransportAddress local, in TransportAddress remote)
    {
        var name = stackalloc byte[SocketAddressCodec.MaximumAddress];
        var control = stackalloc byte[SocketAddressCodec.MaximumControl];
        fixed (byte* payload = datagram)
        {
            var vector = new IoVector { Base = payload, Length = (nuint)datagram.Length };
            var message = new MessageHeader { Name = name, Vectors = &vector, VectorCount = 1, Control = control };
            message.NameLength = (uint)SocketAddressCodec.Write(new Span<byte>(name, SocketAddressCodec.MaximumAddress), remote);
            message.ControlLength = (nuint)SocketAddressCodec.WriteControl(new Span<byte>(control, SocketAddressCodec.MaximumControl), local, 0);
            if (message.ControlLength == 0) message.Control = null;
            var errno = 0;
            // The first try after an ICMP error reports that error instead of sending.
            for (var attempt = 0; attempt < 3; attempt++)
            {
                if (NativeMethods.SendMessage(descriptor, &message, NativeMethods.MSG_DONTWAIT) >= 0) return 0;
                errno = Marshal.GetLastPInvokeError();
                if (errno != Errno.EINTR && !Errno.MayReportEarlier(errno)) break;
            }

            Interlocked.Increment(ref sendErrors);
            return errno;
        }
    }

    /// <summary>errno as <c>ENETUNREACH (Network is unreachable)</c>, for logs.</summary>
    public static string DescribeError(int errno) => Errno.Describe(errno);

    /// <summary>Ends <see cref="Receive"/>, now and later. Call it, join the receiving thread, then dispose.</summary>
    public void Stop()
    {
        stopped = true;
        stop.Set();
    }

    /// <summary>Closes the socket; no thread may be in <see cref="Receive"/> or <see cref="Send"/>.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        dontFragment?.Dispose();
        socket.Dispose();
        stop.Dispose();
        NativeMemory.AlignedFree(packets);
        NativeMemory.Free(metadata);
        NativeMemory.Free(vectors);
        NativeMemory.Free(messages);
    }

    /// <summary>Has every report of a packet that was too big for its path given to <paramref name="handler"/>, on the receiving thread, and opens <see cref="DontFragmentDescriptor"/> for IPv4
    /// (IPv6 has no such bit: the kernel fragments by its own path MTU). Once, before threads use the socket.</summary>
    /// <exception cref="SocketException">The second socket cannot be had.</exception>
    internal void WatchPathMtu(Action<PathMtuReport> handler)
    {
        var v4 = LocalAddress.IsIPv4;
        if (v4)
        {
            dontFragment = OpenDontFragment();
            SetOption(descriptor, SocketAddressCodec.SolIp, IpMtuDiscover, DiscoverOmit);
        }

        if (!ErrorQueue.TryEnable(descriptor, ipv6: !v4)) throw new SocketException((int)SocketError.ProtocolOption);
        onPathMtu = handler;
    }

    // DF belongs to a socket, not to a message. The second socket shares the port only while it is bound, so that no other process can; connected to this machine's discard port
    // it takes no packet from the first, and messages that name their destination leave all the same.
    private Socket OpenDontFragment()
    {
        var second = port == 0 ? NewRawEsp(v4: true) : new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            var handle = (int)second.SafeHandle.DangerousGetHandle();
            SetOption(handle, SocketAddressCodec.SolIp, IpMtuDiscover, DiscoverProbe);
            SetOption(handle, SOL_SOCKET, SO_REUSEADDR, 1);
            SetOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
            second.Bind(LocalEndPoint);
            second.Connect(new IPEndPoint(IPAddress.Loopback, DiscardPort));
            SetOption(handle, SOL_SOCKET, SO_REUSEADDR, 0);
            SetOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 0);
            if (!ErrorQueue.TryEnable(handle, ipv6: false)) throw new SocketException((int)SocketError.ProtocolOption);
            SetBuffers(second, socket.SendBufferSize / 2);
            return second;
        }
        catch (SocketException)
        {
            second.Dispose();
            throw;
        }
    }

    // The BCL maps only some protocol numbers of raw sockets; ESP is not among them.
    private static Socket NewRawEsp(bool v4)
    {
        var descriptor = NativeMethods.Socket(v4 ? Rtnetlink.AF_INET : Rtnetlink.AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ESP);
        if (descriptor < 0) throw new SocketException(Marshal.GetLastPInvokeError() == Errno.EPERM ? (int)SocketError.AccessDenied : (int)SocketError.ProtocolNotSupported);
        return new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
    }

    private static void SetOption(int descriptor, int level, int name, int value)
    {
        if (NativeMethods.SetSocketOption(descriptor, level, name, &value, sizeof(int)) != 0) throw new SocketException((int)SocketError.ProtocolOption);
    }

    /// <summary>Makes a list of the datagrams in what was read; all but the last of those joined are equally long.</summary>
    private int Divide(int messageCount)
    {
        var made = 0;
        for (var index = 0; index < messageCount; index++)
        {
            ref var message = ref messages[index];
            var length = (int)message.Length;
            var control = new ReadOnlySpan<byte>(message.Header.Control, (int)Math.Min(message.Header.ControlLength, ControlLength));
            var size = SocketAddressCodec.ReadSegmentSize(control, out var trafficClass);
            if (size <= 0 || size >= length || (length + size - 1) / size > MostJoined) size = Math.Max(1, length);
            var offset = 0;
            do
            {
                var piece = Math.Min(size, length - offset);
                pieces[made++] = new Piece(index, offset, piece, trafficClass);
                offset += piece;
            }
            while (offset < length);
        }

        return made;
    }

    private static BatchSocket Open(Socket socket, IPEndPoint local, bool raw, int bufferOctets)
    {
        try
        {
            var v6 = local.AddressFamily == AddressFamily.InterNetworkV6;
            if (v6)
            {
                if (!raw) socket.DualMode = false;
                socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.PacketInformation, true);
            }
            else
            {
                socket.DontFragment = false;
                socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.PacketInformation, true);
            }

            SetBuffers(socket, bufferOctets);
            var on = 1;
            if (NativeMethods.SetSocketOption((int)socket.SafeHandle.DangerousGetHandle(), v6 ? SocketAddressCodec.SolIpv6 : SocketAddressCodec.SolIp, v6 ? Ipv6ReceiveTrafficClass : IpReceiveTos, &on, sizeof(int)) != 0)
                throw new SocketException((int)SocketError.ProtocolOption);
            // Kernels before 5.0 do not join: slower, no failure.
            if (!raw) _ = NativeMethods.SetSocketOption((int)socket.SafeHandle.DangerousGetHandle(), SolUdp, UdpGro, &on, sizeof(int));
            socket.Bind(local);
            return new BatchSocket(socket, raw);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>With CAP_NET_ADMIN beyond net.core.rmem_max, whose default holds only some hundred packets.</summary>
    private static void SetBuffers(Socket socket, int octets)
    {
        var descriptor = (int)socket.SafeHandle.DangerousGetHandle();
        if (NativeMethods.SetSocketOption(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(int)) != 0) socket.ReceiveBufferSize = octets;
        if (NativeMethods.SetSocketOption(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof(int)) != 0) socket.SendBufferSize = octets;
    }

    private static void Gather()
    {
        var duration = new TimeSpecification { Nanoseconds = GatherNanoseconds };
        _ = NativeMethods.Sleep(&duration, null);
    }

    private bool WaitReadable()
    {
        var descriptors = stackalloc PollDescriptor[2];
        descriptors[0] = new PollDescriptor { Descriptor = descriptor, Events = NativeMethods.POLLIN };
        descriptors[1] = new PollDescriptor { Descriptor = stop.Descriptor, Events = NativeMethods.POLLIN };
        _ = NativeMethods.Poll(descriptors, 2, -1);
        if ((descriptors[0].Returned & NativeMethods.POLLERR) != 0 && onPathMtu is { } handler) ErrorQueue.Drain(descriptor, handler);
        return descriptors[1].Returned == 0;
    }

    /// <summary>One datagram within what was read.</summary>
    private readonly record struct Piece(int Message, int Offset, int Length, byte TrafficClass);
}
