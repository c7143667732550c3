using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace Headend.Load;

/// <summary>A TUN device that stands already (<c>ip tuntap add</c>): its addresses, routes and connections outlive us. Reads never block.</summary>
internal sealed unsafe partial class TunPort : IDisposable
{
    private const int O_RDWR = 2, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    private const int NameOctets = 16, RequestOctets = 40;
    private const short IFF_TUN = 1, IFF_NO_PI = 0x1000;
    private const nuint TUNSETIFF = 0x400454ca;

    private readonly int _descriptor;

    /// <exception cref="Win32Exception">No such device, or no right to it.</exception>
    public TunPort(string name)
    {
        _descriptor = Open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (_descriptor < 0)
            throw new Win32Exception();
        var request = stackalloc byte[RequestOctets];
        new Span<byte>(request, RequestOctets).Clear();
        Encoding.ASCII.GetBytes(name, new Span<byte>(request, NameOctets - 1));
        *(short*)(request + NameOctets) = IFF_TUN | IFF_NO_PI;
        if (Ioctl(_descriptor, TUNSETIFF, request) == 0)
            return;
        var failure = new Win32Exception();
        Dispose();
        throw failure;
    }

    /// <returns>Octets of the packet; 0 when none waits.</returns>
    public int Read(Span<byte> packet)
    {
        fixed (byte* octets = packet)
            return (int)Math.Max(0, Read(_descriptor, octets, (nuint)packet.Length));
    }

    public void Write(ReadOnlySpan<byte> packet)
    {
        fixed (byte* octets = packet)
            _ = Write(_descriptor, octets, (nuint)packet.Length);
    }

    public void Dispose() => _ = Close(_descriptor);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Ioctl(int descriptor, nuint request, byte* argument);

    [LibraryImport("libc", EntryPoint = "read")]
    private static partial nint Read(int descriptor, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(int descriptor, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
