using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Headend.VirtualAccess.Linux;

/// <summary>An epoll instance whose events carry 64-bit tokens. Level-triggered. Wait is for one thread; the rest is thread-safe.</summary>
internal sealed unsafe class EpollSet : IDisposable
{
    private const int Capacity = 64;

    /// <summary>x86-64 packs struct epoll_event into 12 octets; elsewhere the token is aligned to 8 (sys/epoll.h, EPOLL_PACKED).</summary>
    private static readonly int Stride = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private readonly int descriptor;
    private readonly byte* events = (byte*)NativeMemory.AllocZeroed(Capacity * 16);

    public EpollSet()
    {
        descriptor = NativeMethods.EpollCreate(NativeMethods.EPOLL_CLOEXEC);
        if (descriptor < 0) throw new IOException("epoll_create1: " + Errno.Describe(Marshal.GetLastPInvokeError()));
    }

    /// <summary>Watches <paramref name="watched"/> for input.</summary>
    /// <returns>0 or errno.</returns>
    public int Add(int watched, long token)
    {
        Span<byte> record = stackalloc byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(record, NativeMethods.EPOLLIN);
        BinaryPrimitives.WriteInt64LittleEndian(record[(Stride - 8)..], token);
        fixed (byte* pointer = record)
        {
            return NativeMethods.EpollControl(descriptor, NativeMethods.EPOLL_CTL_ADD, watched, pointer) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }

    public void Remove(int watched)
    {
        ulong unused = 0;
        _ = NativeMethods.EpollControl(descriptor, NativeMethods.EPOLL_CTL_DEL, watched, &unused);
    }

    /// <summary>Blocks until something is readable.</summary>
    /// <returns>Number of tokens; 0 when interrupted.</returns>
    public int Wait() => Math.Max(0, NativeMethods.EpollWait(descriptor, events, Capacity, -1));

    public long Token(int index) => BinaryPrimitives.ReadInt64LittleEndian(new ReadOnlySpan<byte>(events + (index * Stride) + Stride - 8, 8));

    public void Dispose()
    {
        _ = NativeMethods.Close(descriptor);
        NativeMemory.Free(events);
    }
}
