using System.Runtime.InteropServices;

namespace Headend.VirtualAccess.Linux;

/// <summary>A netlink socket that listens to multicast groups; for one thread, but for <see cref="Dispose"/> behind its last call.</summary>
internal sealed unsafe class NetlinkEventSocket : IDisposable
{
    private const int AF_NETLINK = 16;
    private const int SOCK_RAW_CLOEXEC = 3 | 0x80000;
    private const int SOL_NETLINK = 270;
    private const int NETLINK_ADD_MEMBERSHIP = 1;
    private const int SOL_SOCKET = 1;
    private const int SO_RCVBUFFORCE = 33;
    private const int BufferLength = 64 * 1024;

    private readonly int descriptor;
    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferLength, pinned: true);

    /// <param name="protocol">Of linux/netlink.h.</param>
    /// <param name="groups">Numbers, not bits.</param>
    /// <exception cref="IOException">The system has no such protocol or group.</exception>
    public NetlinkEventSocket(int protocol, params ReadOnlySpan<uint> groups)
    {
        descriptor = NativeMethods.Socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol);
        if (descriptor < 0) throw new IOException("netlink socket: " + Errno.Describe(Marshal.GetLastPInvokeError()));
        var octets = 4 << 20;
        _ = NativeMethods.SetSocketOption(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(int));
        // A membership binds the socket to a port of its own by itself.
        Span<byte> address = stackalloc byte[12];
        address.Clear();
        address[0] = AF_NETLINK;
        fixed (byte* pointer = address)
        {
            if (NativeMethods.Bind(descriptor, pointer, (uint)address.Length) != 0) throw Fail("bind");
        }

        foreach (var group in groups)
        {
            var number = group;
            if (NativeMethods.SetSocketOption(descriptor, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &number, sizeof(uint)) != 0) throw Fail($"group {group}");
        }
    }

    /// <summary>Waits for messages and hands each on.</summary>
    /// <returns>False when the time is over without any. Messages that the kernel had to throw away (ENOBUFS) count as none.</returns>
    public bool Wait(int milliseconds, NetlinkSocket.DumpItem item)
    {
        var polled = new PollDescriptor { Descriptor = descriptor, Events = NativeMethods.POLLIN };
        if (NativeMethods.Poll(&polled, 1, milliseconds) <= 0) return false;
        nint length;
        fixed (byte* pointer = buffer) length = NativeMethods.Receive(descriptor, pointer, BufferLength, NativeMethods.MSG_DONTWAIT);
        if (length <= 0) return false;
        ReadOnlySpan<byte> received = buffer.AsSpan(0, (int)length);
        while (NetlinkCodec.TryNext(ref received, out var type, out _, out var body)) item(type, body);
        return true;
    }

    public void Dispose() => _ = NativeMethods.Close(descriptor);

    private IOException Fail(string what)
    {
        var error = new IOException($"netlink socket: {what}: {Errno.Describe(Marshal.GetLastPInvokeError())}");
        Dispose();
        return error;
    }
}
