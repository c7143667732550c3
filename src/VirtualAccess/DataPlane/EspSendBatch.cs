using System.Runtime.InteropServices;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Sealed packets of one thread on their way out: native slots, sent with sendmmsg in runs of the same socket. A packet counts as sent only
/// when the kernel took it.
/// </summary>
internal sealed unsafe class EspSendBatch : IDisposable
{
    public const int Capacity = 64;

    /// <summary>Where the inner packet is read to: leaves room for the ESP header and the longest IV before it.</summary>
    public const int InnerOffset = 32;

    /// <summary>Largest inner packet, octets: the largest MTU of the command table.</summary>
    public const int MaximumInner = 9216;

    private const int Stride = 64 * 149;
    private const int WaitMilliseconds = 20;
    private const int MaximumWaits = 50;

    /// <summary>RFC 6040 4.1, compatibility mode: ECN is not copied out, so the far side needs no decapsulation rule; DSCP is (RFC 4301 5.1.2.1).</summary>
    private const byte DscpMask = 0xfc;

    private readonly DropTable drops;
    private readonly byte* slots = (byte*)NativeMemory.AlignedAlloc(Capacity * Stride, 64);
    private readonly byte* names = (byte*)NativeMemory.AllocZeroed(Capacity, 32);
    private readonly byte* controls = (byte*)NativeMemory.AllocZeroed(Capacity, SocketAddressCodec.MaximumControl);
    private readonly IoVector* vectors = (IoVector*)NativeMemory.AllocZeroed(Capacity, (nuint)sizeof(IoVector));
    private readonly MultiMessageHeader* messages = (MultiMessageHeader*)NativeMemory.AllocZeroed(Capacity, (nuint)sizeof(MultiMessageHeader));
    private readonly Entry[] entries = new Entry[Capacity];

    public EspSendBatch(DropTable drops)
    {
        this.drops = drops;
        for (var i = 0; i < Capacity; i++)
        {
            messages[i].Header.Vectors = vectors + i;
            messages[i].Header.VectorCount = 1;
            messages[i].Header.Name = names + (i * 32);
        }
    }

    public int Count { get; private set; }

    public bool IsFull => Count == Capacity;

    /// <summary>The slot of the next packet.</summary>
    public byte* Slot => slots + (Count * Stride);

    /// <summary>Adds the packet that stands in <see cref="Slot"/>.</summary>
    public void Commit(DataPlaneSession session, EspSa sa, SessionPath path, int offset, int length, int innerLength, byte trafficClass)
    {
        vectors[Count] = new IoVector { Base = Slot + offset, Length = (nuint)length };
        ref var header = ref messages[Count].Header;
        header.NameLength = (uint)SocketAddressCodec.Write(new Span<byte>(header.Name, SocketAddressCodec.MaximumAddress), path.Path.Remote);
        var control = controls + (Count * SocketAddressCodec.MaximumControl);
        header.ControlLength = (nuint)SocketAddressCodec.WriteControl(
            new Span<byte>(control, SocketAddressCodec.MaximumControl), path.Path.Local, (byte)(trafficClass & DscpMask));
        header.Control = header.ControlLength == 0 ? null : control;
        entries[Count++] = new Entry(session, sa, path.Descriptor, innerLength);
    }

    /// <summary>Sends everything that is in the batch and empties it.</summary>
    public void Flush(long now, Action<DataPlaneSession, EspSa> onSoftLimit)
    {
        var index = 0;
        var waits = 0;
        while (index < Count)
        {
            var end = index + 1;
            while (end < Count && entries[end].Descriptor == entries[index].Descriptor) end++;
            var sent = NativeMethods.SendMessages(entries[index].Descriptor, messages + index, (uint)(end - index), NativeMethods.MSG_DONTWAIT);
            if (sent > 0)
            {
                for (var i = 0; i < sent; i++) CountSent(entries[index + i], now, onSoftLimit);
                index += sent;
                continue;
            }

            var errno = Marshal.GetLastPInvokeError();
            if (errno == Errno.EINTR) continue;
            if (errno is Errno.EAGAIN or Errno.ENOBUFS && waits++ < MaximumWaits)
            {
                WaitWritable(entries[index].Descriptor, errno);
                continue;
            }

            if (errno == Errno.ECONNREFUSED && waits++ < MaximumWaits) continue;
            CountFailed(entries[index++], errno is Errno.EAGAIN or Errno.ENOBUFS ? EspDrop.SendQueueFull : EspDrop.SendFailed);
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

    /// <summary>Back-pressure: packets queue in the TUN devices meanwhile. ENOBUFS is a full device queue, which poll does not report.</summary>
    private static void WaitWritable(int descriptor, int errno)
    {
        var poll = new PollDescriptor { Descriptor = errno == Errno.ENOBUFS ? -1 : descriptor, Events = NativeMethods.POLLOUT };
        _ = NativeMethods.Poll(&poll, 1, errno == Errno.ENOBUFS ? 1 : WaitMilliseconds);
    }

    private static void CountSent(in Entry entry, long now, Action<DataPlaneSession, EspSa> onSoftLimit)
    {
        entry.Session.CountOutbound(entry.InnerLength, now);
        entry.Sa.CountOutbound(entry.InnerLength);
        if (entry.Sa.ReachedSoftLimit()) onSoftLimit(entry.Session, entry.Sa);
    }

    private void CountFailed(in Entry entry, EspDrop drop)
    {
        drops.Count(drop);
        entry.Session.CountOutboundDrop();
    }

    private readonly record struct Entry(DataPlaneSession Session, EspSa Sa, int Descriptor, int InnerLength);
}
