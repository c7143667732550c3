using System.Collections.Concurrent;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>Answers DHCPINFORM of clients whose ESP the kernel does, on a thread of its own: a copy of the request comes by a packet socket, the answer goes into the interface.</summary>
internal sealed class XfrmInformListener : IDisposable
{
    /// <summary>How soon <see cref="Dispose"/> is noticed.</summary>
    private const int PollMilliseconds = 200;

    private readonly InformSocket socket = new();
    private readonly ConcurrentDictionary<int, XfrmSession> byDevice = new();
    private readonly byte[] answer = new byte[DhcpInformCodec.MaximumLength];
    private readonly TimeProvider time;
    private readonly Thread thread;
    private bool stopping;

    /// <param name="time">Clock.</param>
    /// <exception cref="IOException">No packet socket to be had.</exception>
    public XfrmInformListener(TimeProvider time)
    {
        this.time = time;
        thread = new Thread(Run) { IsBackground = true, Name = "dhcp-inform" };
        thread.Start();
    }

    public void Add(XfrmSession session) => byDevice[session.Device.Index] = session;

    public void Remove(XfrmSession session) => byDevice.TryRemove(session.Device.Index, out _);

    public void Dispose()
    {
        Volatile.Write(ref stopping, true);
        thread.Join();
        socket.Dispose();
    }

    private void Run()
    {
        while (!Volatile.Read(ref stopping)) socket.Wait(PollMilliseconds, OnPacket);
    }

    private void OnPacket(int device, ReadOnlySpan<byte> packet)
    {
        if (!byDevice.TryGetValue(device, out var session) || !IpPacket.TryRead(packet, out var ip) || !DhcpInformCodec.IsCandidate(ip)) return;
        lock (session.Gate)
        {
            if (session.IsClosed || session.Request.Inform is not { } information || session.Request.InformServer(session.Lent) is not { } server) return;
            // The copy was taken before the kernel looked at its policies (RFC 4301 5.2).
            if (!DhcpInformCodec.TryRead(packet, ip, server, out var request) || !session.Request.IsClient(ip.Source) || !session.LetsIn(ip)) return;
            if (!session.Informs.TryTake(time.GetTimestamp() / time.TimestampFrequency)) return;
            var length = DhcpInformCodec.Write(answer, request, information, server, session.Request.Config.EffectiveIpMtu);
            _ = socket.Send(device, answer.AsSpan(0, length));
        }
    }
}
