using System.Runtime.InteropServices;
using System.Text;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// A TUN device that lives as long as its descriptor: not persistent, so that the kernel removes it, its addresses and its routes even when the
/// process is killed. The owner orders reads, writes and <see cref="Dispose"/>.
/// </summary>
internal sealed unsafe class TunDevice : IInterfaceDevice
{
    /// <summary>Octets of the longest read: a header and the longest IP packet.</summary>
    public const int LongestRead = VirtioHeader.Length + 65536;

    private const nint Offloads = NativeMethods.TUN_F_CSUM | NativeMethods.TUN_F_TSO4 | NativeMethods.TUN_F_TSO6 | NativeMethods.TUN_F_TSO_ECN;

    private int descriptor;

    private TunDevice(int descriptor, string name, int index)
    {
        this.descriptor = descriptor;
        Name = name;
        Index = index;
    }

    public string Name { get; }

    /// <summary>Interface index.</summary>
    public int Index { get; }

    public int Descriptor => descriptor;

    /// <summary>Creates the device; an existing one of that name is never taken over. The kernel puts a number for %d.</summary>
    /// <returns>Null with errno on failure.</returns>
    public static TunDevice? Create(string name, out int errno)
    {
        errno = 0;
        var descriptor = NativeMethods.Open("/dev/net/tun", NativeMethods.O_RDWR | NativeMethods.O_CLOEXEC | NativeMethods.O_NONBLOCK);
        if (descriptor < 0)
        {
            errno = Marshal.GetLastPInvokeError();
            return null;
        }

        var request = new InterfaceFlagsRequest { Flags = NativeMethods.IFF_TUN | NativeMethods.IFF_NO_PI | NativeMethods.IFF_TUN_EXCL | NativeMethods.IFF_VNET_HDR };
        Encoding.ASCII.GetBytes(name, new Span<byte>(request.Name, 15));
        var index = 0u;
        if (NativeMethods.Ioctl(descriptor, NativeMethods.TUNSETIFF, &request) != 0) errno = Marshal.GetLastPInvokeError();
        else if ((index = NativeMethods.InterfaceIndex(name = Marshal.PtrToStringUTF8((nint)request.Name)!)) == 0) errno = Marshal.GetLastPInvokeError();
        // Without it the kernel cuts TCP before it comes here: slower, no failure.
        if (errno == 0) _ = NativeMethods.Ioctl(descriptor, NativeMethods.TUNSETOFFLOAD, (void*)Offloads);
        if (errno == 0) return new TunDevice(descriptor, name, (int)index);
        _ = NativeMethods.Close(descriptor);
        return null;
    }

    /// <summary>Reads one packet with its <see cref="VirtioHeader"/> before it.</summary>
    /// <returns>Octets of both, 0 when there is none, -1 when the device is gone.</returns>
    public int Read(byte* buffer, int length)
    {
        var count = NativeMethods.Read(descriptor, buffer, (nuint)length);
        if (count >= 0) return (int)count;
        return Marshal.GetLastPInvokeError() is Errno.EAGAIN or Errno.EINTR ? 0 : -1;
    }

    /// <summary>Hands one packet to the kernel.</summary>
    public EspDrop Write(ReadOnlySpan<byte> packet)
    {
        var header = default(VirtioHeader);
        fixed (byte* pointer = packet)
        {
            var vectors = stackalloc IoVector[2];
            vectors[0] = new IoVector { Base = (byte*)&header, Length = VirtioHeader.Length };
            vectors[1] = new IoVector { Base = pointer, Length = (nuint)packet.Length };
            return Write(vectors, 2);
        }
    }

    /// <summary>Hands one packet in pieces to the kernel; the first piece is its <see cref="VirtioHeader"/>.</summary>
    public EspDrop Write(IoVector* vectors, int count)
    {
        while (true)
        {
            if (NativeMethods.WriteVector(descriptor, vectors, count) >= 0) return EspDrop.None;
            var errno = Marshal.GetLastPInvokeError();
            if (errno == Errno.EINTR) continue;
            return errno is Errno.EAGAIN or Errno.ENOBUFS or Errno.ENOMEM ? EspDrop.TunFull : EspDrop.TunFailed;
        }
    }

    public void Dispose()
    {
        var closing = Interlocked.Exchange(ref descriptor, -1);
        if (closing >= 0) _ = NativeMethods.Close(closing);
    }
}
