using System.Runtime.InteropServices;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Sealed packets of one thread on their way out: native slots, sent with sendmmsg in runs of the same socket, and those to one client as one
/// message that the kernel cuts (a walk through its network stack for dozens of packets). A packet counts as sent only when the kernel took it.
/// </summary>
internal sealed unsafe class EspSendBatch : IDisposable
{
    public const int Capacity = 64;

    /// <summary>Where the inner packet is read to: leaves room for the headers of ESP and GRE and the longest IV before it.</summary>
    public const int InnerOffset = 32;

    /// <summary>Largest inner packet, octets: the largest MTU of the command table.</summary>
    public const int MaximumInner = 9216;

    private const int Stride = 64 * 149;
    private const int WaitMilliseconds = 20;

    /// <summary>Octets of one message that the kernel cuts into datagrams: a little below the largest UDP payload. UDP_MAX_SEGMENTS is 64, as is the batch.</summary>
    private const int MaximumSegmented = 65_000;

    private const int MaximumWaits = 50;

    private readonly DropTable drops;
    private readonly Action<PathMtuReport> onPathMtu;
    private readonly byte* slots = (byte*)NativeMemory.AlignedAlloc(Capacity * Stride, 64);
    private readonly byte* names = (byte*)NativeMemory.AllocZeroed(Capacity, 32);
    private readonly byte* controls = (byte*)NativeMemory.AllocZeroed(Capacity, SocketAddressCodec.MaximumControl);
    private readonly IoVector* vectors = (IoVector*)NativeMemory.AllocZeroed(Capacity, (nuint)sizeof(IoVector));
    private readonly MultiMessageHeader* messages = (MultiMessageHeader*)NativeMemory.AllocZeroed(Capacity, (nuint)sizeof(MultiMessageHeader));
    private readonly Entry[] entries = new Entry[Capacity];

    public EspSendBatch(DropTable drops, Action<PathMtuReport> onPathMtu)
    {
        this.drops = drops;
        this.onPathMtu = onPathMtu;
        for (var i = 0; i < Capacity; i++)
        {
            messages[i].Header.Name = names + (i * 32);
        }
    }

    public int Count { get; private set; }

    public bool IsFull => Count == Capacity;

    /// <summary>The slot of the next packet.</summary>
    public byte* Slot => slots + (Count * Stride);

    /// <summary>Where the next inner packet is put.</summary>
    public Span<byte> InnerSlot => new(Slot + InnerOffset, MaximumInner);

    /// <summary>Seals the packet that stands in <see cref="InnerSlot"/> and adds it.</summary>
    /// <remarks>The outer packet has the DSCP of the inner one (RFC 4301 5.1.2.1) and its ECN field: normal mode, RFC 6040 4.1, as whoever negotiates a tunnel by IKEv2
    /// keeps to RFC 4301 and hands congestion marks on.</remarks>
    public EspDrop Seal(DataPlaneSession session, EspSa sa, SessionPath path, int innerLength, in IpPacket ip, long now, out bool nearExhaustion)
    {
        var payload = innerLength;
        var nextHeader = ip.IsIPv6 ? EspCodec.NextHeaderIPv6 : EspCodec.NextHeaderIPv4;
        if (session.Gre is { } gre)
        {
            gre.Write(new Span<byte>(Slot + InnerOffset - gre.HeaderLength, gre.HeaderLength), ip.IsIPv6);
            payload += gre.HeaderLength;
            nextHeader = GreTunnel.Protocol;
        }

        var offset = InnerOffset - (payload - innerLength) - EspCodec.HeaderLength - sa.Algorithm.IvLength;
        var length = EspCodec.SealedLength(sa.Algorithm, payload);
        var drop = sa.Seal(new Span<byte>(Slot + offset, length), payload, nextHeader, out nearExhaustion);
        if (drop != EspDrop.None) return drop;
        vectors[Count] = new IoVector { Base = Slot + offset, Length = (nuint)length };
        entries[Count++] = new Entry(session, sa, path, path.DescriptorFor(sa.DfBit, ip.DontFragment, length, now), innerLength, ip.TrafficClass);
        return EspDrop.None;
    }

    /// <summary>Sends everything that is in the batch and empties it.</summary>
    public void Flush(long now, Action<DataPlaneSession, EspSa> onSoftLimit)
    {
        var index = 0;
        var waits = 0;
        var repeated = false;
        while (index < Count)
        {
            var (path, descriptor) = (entries[index].Path, entries[index].Descriptor);
            var sent = NativeMethods.SendMessages(descriptor, messages, Prepare(index), NativeMethods.MSG_DONTWAIT);
            if (sent > 0)
            {
                CountSent(entries.AsSpan(index, PacketsOf(sent)), now, onSoftLimit);
                index += PacketsOf(sent);
                repeated = false;
                continue;
            }

            var errno = Marshal.GetLastPInvokeError();
            if (errno == Errno.EINTR) continue;
            if (errno is Errno.EAGAIN or Errno.ENOBUFS && waits++ < MaximumWaits)
            {
                WaitWritable(descriptor, errno);
                continue;
            }

            if (Errno.MayReportEarlier(errno) && !repeated)
            {
                repeated = true;
                continue;
            }

            var refused = PacketsOf(1);
            if (refused > 1 && errno is Errno.EINVAL or Errno.EIO or Errno.EMSGSIZE)
            {
                // A segment that does not fit the way (it would have to be fragmented), or a device that cannot.
                path.Segmentation = false;
                continue;
            }

            var drop = errno is Errno.EAGAIN or Errno.ENOBUFS ? EspDrop.SendQueueFull : EspDrop.SendFailed;
            if (errno == Errno.EMSGSIZE)
            {
                // Larger than this machine's interface; the next one of its kind is answered inside.
                drop = EspDrop.TooBig;
                ErrorQueue.Drain(descriptor, onPathMtu);
            }

            for (var end = index + refused; index < end; index++) CountFailed(entries[index], drop);
            repeated = false;
        }

        Array.Clear(entries, 0, Count);
        Count = 0;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(slots);
        NativeMemory.Free(names);
        NativeMemory.Free(controls);
        NativeMemory.Free(vectors);
        NativeMemory.Free(messages);
    }

    /// <summary>Makes messages of the packets from <paramref name="first"/> on that leave by the same socket.</summary>
    /// <returns>How many messages.</returns>
    private uint Prepare(int first)
    {
        var made = 0;
        for (var index = first; index < Count && entries[index].Descriptor == entries[first].Descriptor; made++)
        {
            var run = RunLength(index);
            var path = entries[index].Path.Path;
            ref var header = ref messages[made].Header;
            header.Vectors = vectors + index;
            header.VectorCount = (nuint)run;
            header.NameLength = (uint)SocketAddressCodec.Write(new Span<byte>(header.Name, SocketAddressCodec.MaximumAddress), path.Remote);
            var control = new Span<byte>(controls + (made * SocketAddressCodec.MaximumControl), SocketAddressCodec.MaximumControl);
            var length = SocketAddressCodec.WriteControl(control, path.Local, entries[index].TrafficClass);
            if (run > 1) length += SocketAddressCodec.WriteSegmentSize(control[length..], (ushort)vectors[index].Length);
            header.ControlLength = (nuint)length;
            header.Control = length == 0 ? null : controls + (made * SocketAddressCodec.MaximumControl);
            index += run;
        }

        return (uint)made;
    }

    /// <summary>Packets from <paramref name="first"/> on that the kernel may cut out of one message (UDP_SEGMENT, udp(7)): to one place, with one traffic class, equally
    /// long but for the last.</summary>
    private int RunLength(int first)
    {
        ref readonly var head = ref entries[first];
        if (!head.Path.Segmentation) return 1;
        var size = vectors[first].Length;
        var total = size;
        var run = 1;
        for (var length = size; length == size && first + run < Count; run++)
        {
            ref readonly var next = ref entries[first + run];
            length = vectors[first + run].Length;
            if (!ReferenceEquals(next.Path, head.Path) || next.Descriptor != head.Descriptor || next.TrafficClass != head.TrafficClass || length > size || (total += length) > MaximumSegmented) break;
        }

        return run;
    }

    private int PacketsOf(int count)
    {
        var packets = 0;
        for (var i = 0; i < count; i++) packets += (int)messages[i].Header.VectorCount;
        return packets;
    }

    /// <summary>Back-pressure: packets queue in the TUN devices meanwhile. ENOBUFS is a full device queue, which poll does not report.</summary>
    private static void WaitWritable(int descriptor, int errno)
    {
        var poll = new PollDescriptor { Descriptor = errno == Errno.ENOBUFS ? -1 : descriptor, Events = NativeMethods.POLLOUT };
        _ = NativeMethods.Poll(&poll, 1, errno == Errno.ENOBUFS ? 1 : WaitMilliseconds);
    }

    /// <summary>Counts packets that the kernel took, those of one SA in a row at once.</summary>
    private static void CountSent(ReadOnlySpan<Entry> sent, long now, Action<DataPlaneSession, EspSa> onSoftLimit)
    {
        for (var index = 0; index < sent.Length;)
        {
            var (session, sa) = (sent[index].Session, sent[index].Sa);
            var (octets, first) = (0, index);
            for (; index < sent.Length && ReferenceEquals(sent[index].Sa, sa); index++) octets += sent[index].InnerLength;
            session.CountOutbound(octets, index - first, now);
            sa.CountOutbound(octets, index - first);
            if (sa.ReachedSoftLimit()) onSoftLimit(session, sa);
        }
    }

    private void CountFailed(in Entry entry, EspDrop drop)
    {
        drops.Count(drop);
        entry.Session.CountOutboundDrop();
    }

    private readonly record struct Entry(DataPlaneSession Session, EspSa Sa, SessionPath Path, int Descriptor, int InnerLength, byte TrafficClass);
}
