using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Endpoint;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Linux;
using Microsoft.Extensions.Logging;

namespace Headend.Runtime;

/// <summary>
/// The UDP sockets: both ports on every listen address, a receiving thread each. IKE goes into the shards' mailboxes, ESP is decrypted on the receiving
/// thread. Any thread transmits.
/// </summary>
internal sealed partial class UdpListener : IDisposable
{
    private const int MarkerLength = DatagramClassifier.MarkerOctets;
    private const int ExchangeTypeOffset = 18;
    private const byte IkeAuth = 35;
    private static readonly TimeSpan BindInterval = TimeSpan.FromSeconds(2);

    private readonly List<Port> ports;
    private readonly List<Thread> threads = [];
    private readonly TimeProvider time;
    private IReadOnlyList<IkeShard> shards = [];
    private IDataPlane? dataPlane;
    private long refused;

    private UdpListener(List<Port> ports, TimeProvider time)
    {
        this.ports = ports;
        this.time = time;
    }

    /// <summary>The sockets that carry ESP in UDP; the data plane sends through them.</summary>
    public IReadOnlyList<BatchSocket> NatTraversalSockets => [.. ports.Where(p => p.Marked).Select(p => p.Socket)];

    public IReadOnlyList<IPEndPoint> EndPoints => [.. ports.Select(p => p.Socket.LocalEndPoint)];

    /// <summary>IKE datagrams that found their queue full.</summary>
    public long Refused => Volatile.Read(ref refused);

    /// <summary>
    /// Binds every socket. A killed headend holds its ports until the kernel has removed its interfaces, some ten milliseconds each: a port in use is waited
    /// for, at most <paramref name="patience"/>.
    /// </summary>
    /// <exception cref="HeadendStartException">An address or port cannot be had.</exception>
    public static UdpListener Bind(ListenOptions options, TimeProvider time, TimeSpan patience, ILogger logger, CancellationToken cancellation)
    {
        for (var began = time.GetTimestamp(); ;)
        {
            try
            {
                return Bind(options, time);
            }
            catch (HeadendStartException error) when (
                error.InnerException is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } && time.GetElapsedTime(began) < patience)
            {
                LogWaiting(logger, error.Message, patience);
                if (cancellation.WaitHandle.WaitOne(BindInterval))
                    throw;
            }
        }
    }

    private static UdpListener Bind(ListenOptions options, TimeProvider time)
    {
        var ports = new List<Port>();
        foreach (var address in options.Addresses)
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6 && !Socket.OSSupportsIPv6 && options.Addresses.Count > 1)
                continue;
            foreach (var (number, marked) in new[] { (options.IkePort, false), (options.NatTraversalPort, true) })
            {
                var local = new IPEndPoint(address, number);
                try
                {
                    ports.Add(new Port(BatchSocket.BindUdp(local, bufferOctets: 8 << 20), address, marked));
                }
                catch (SocketException error)
                {
                    foreach (var port in ports)
                        port.Socket.Dispose();
                    throw new HeadendStartException(Explain(local, error), error);
                }
            }
        }

        return new UdpListener(ports, time);
    }

    public void Start(IReadOnlyList<IkeShard> shards, IDataPlane dataPlane)
    {
        this.shards = shards;
        this.dataPlane = dataPlane;
        foreach (var port in ports)
        {
            var thread = new Thread(() => Receive(port)) { IsBackground = true, Name = $"udp-{port.Socket.LocalEndPoint}" };
            threads.Add(thread);
            thread.Start();
        }
    }

    /// <summary>Sends one IKE message from the address that the peer knows. Failures are counted by the socket: retransmission repairs what can be repaired.</summary>
    public void Transmit(ReadOnlySpan<byte> message, in IkePath path)
    {
        if (FindPort(path) is not { } port)
            return;
        var local = TransportAddress.From(path.Local);
        var remote = TransportAddress.From(path.Remote);
        if (!port.Marked)
        {
            port.Socket.Send(message, local, remote);
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(MarkerLength + message.Length);
        buffer.AsSpan(0, MarkerLength).Clear();
        message.CopyTo(buffer.AsSpan(MarkerLength));
        port.Socket.Send(buffer.AsSpan(0, MarkerLength + message.Length), local, remote);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>One octet 0xFF from the NAT traversal port (RFC 3948 2.3); from other ports nothing.</summary>
    public void TransmitKeepalive(in IkePath path)
    {
        if (FindPort(path) is { Marked: true } port)
            port.Socket.Send([0xff], TransportAddress.From(path.Local), TransportAddress.From(path.Remote));
    }

    /// <summary>Ends the receiving threads; transmitting goes on until <see cref="Dispose"/>.</summary>
    public void Stop()
    {
        foreach (var port in ports)
            port.Socket.Stop();
        foreach (var thread in threads)
            thread.Join();
        threads.Clear();
    }

    public void Dispose()
    {
        Stop();
        foreach (var port in ports)
            port.Socket.Dispose();
    }

    // The sender chooses the exchange type, so it decides about order only, never about trust.
    private static MailPriority PriorityOf(ReadOnlySpan<byte> message) =>
        DatagramClassifier.IsOfEstablished(message) ? MailPriority.Established
        : message[ExchangeTypeOffset] == IkeAuth ? MailPriority.Login
        : MailPriority.NewLogin;

    private static string Explain(IPEndPoint local, SocketException error) => error.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"UDP {local} is in use by another program (ss -lunp shows which; often another IKE daemon)",
        SocketError.AccessDenied => $"UDP {local} needs root or CAP_NET_BIND_SERVICE",
        SocketError.AddressNotAvailable => $"UDP {local}: this machine does not have the address (listen: addresses)",
        _ => $"UDP {local}: {error.Message}",
    };

    private Port? FindPort(in IkePath path)
    {
        Port? wildcard = null;
        foreach (var port in ports)
        {
            var bound = port.Socket.LocalEndPoint;
            if (bound.Port != path.Local.Port || bound.AddressFamily != path.Local.AddressFamily)
                continue;
            if (port.IsWildcard)
                wildcard = port;
            else if (bound.Address.Equals(path.Local.Address))
                return port;
        }

        return wildcard;
    }

    private void Receive(Port port)
    {
        while (port.Socket.Receive() is var count and > 0)
        {
            var now = time.GetTimestamp();
            for (var i = 0; i < count; i++)
            {
                var packet = port.Socket.Packet(i);
                switch (DatagramClassifier.Classify(packet, port.Marked))
                {
                    case DatagramKind.Esp when dataPlane!.WantsEsp:
                        dataPlane.ReceiveEsp(packet, port.Socket.Local(i), port.Socket.Remote(i), port.Socket.TrafficClass(i), now);
                        break;
                    case DatagramKind.Ike:
                        PostIke(port, packet[(port.Marked ? MarkerLength : 0)..], port.Socket.Local(i), port.Socket.Remote(i));
                        break;
                    default:
                        break;
                }
            }

            if (port.Marked)
                dataPlane!.EndReceive();
        }
    }

    private void PostIke(Port port, ReadOnlySpan<byte> message, in TransportAddress local, in TransportAddress remote)
    {
        // RFC 768: port 0 means that no answer is expected; there is nowhere to send one.
        if (remote.Port == 0)
            return;
        var path = new IkePath(port.EndPointOf(local), remote.ToIPEndPoint(), port.Marked);
        var shard = shards[IkeEndpoint.ShardOf(message, path.Remote, shards.Count)];
        var buffer = ArrayPool<byte>.Shared.Rent(message.Length);
        message.CopyTo(buffer);
        if (shard.TryPost(new ShardMail(buffer, message.Length, path), PriorityOf(message)))
            return;
        ArrayPool<byte>.Shared.Return(buffer);
        Interlocked.Increment(ref refused);
    }

    [LoggerMessage(EventId = 1105, EventName = "port-in-use", Level = LogLevel.Warning, Message = "{Reason}; waiting up to {Patience}")]
    private static partial void LogWaiting(ILogger logger, string reason, TimeSpan patience);

    private sealed class Port(BatchSocket socket, IPAddress bound, bool marked)
    {
        private TransportAddress lastLocal;
        private IPEndPoint? lastEndPoint;

        public BatchSocket Socket => socket;

        /// <summary>The NAT traversal port.</summary>
        public bool Marked => marked;

        public bool IsWildcard { get; } = bound.Equals(IPAddress.Any) || bound.Equals(IPAddress.IPv6Any);

        /// <summary>A gateway has few addresses: the last one is nearly always right. Called by the receiving thread only.</summary>
        public IPEndPoint EndPointOf(in TransportAddress local)
        {
            if (lastEndPoint is null || local != lastLocal)
            {
                lastLocal = local;
                lastEndPoint = local.ToIPEndPoint();
            }

            return lastEndPoint;
        }
    }
}
