using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Headend.VirtualAccess.Linux;

/// <summary>
/// A packet socket that sees the DHCP requests which come out of interfaces without link-layer addresses, such as xfrm interfaces, and sends IPv4 packets into them. The
/// kernel's filter runs on every IPv4 packet of the network namespace and lets nothing else up. For one thread, but for <see cref="Dispose"/> behind its last call.
/// </summary>
internal sealed unsafe class InformSocket : IDisposable
{
    private const int AF_PACKET = 17;
    private const int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
    private const ushort ETH_P_IP = 0x0800;
    private const int SOL_SOCKET = 1;
    private const int SO_ATTACH_FILTER = 26;
    private const int BufferLength = 2048;

    /// <summary>struct sockaddr_ll.</summary>
    private const int AddressLength = 20;

    // linux/filter.h: IPv4 UDP from port 68 to port 67, first fragment, of a device of type ARPHRD_NONE (0xfffe).
    private static readonly FilterInstruction[] Filter =
    [
        new(Code: 0x20, 0, 0, 0xfffff000 + 28),
        new(Code: 0x15, 0, 10, 0xfffe),
        new(Code: 0x30, 0, 0, 9),
        new(Code: 0x15, 0, 8, 17),
        new(Code: 0x28, 0, 0, 6),
        new(Code: 0x45, 6, 0, 0x1fff),
        new(Code: 0xb1, 0, 0, 0),
        new(Code: 0x48, 0, 0, 0),
        new(Code: 0x15, 0, 3, 68),
        new(Code: 0x48, 0, 0, 2),
        new(Code: 0x15, 0, 1, 67),
        new(Code: 0x06, 0, 0, 0xffff),
        new(Code: 0x06, 0, 0, 0),
    ];

    private readonly int descriptor;
    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferLength, pinned: true);

    /// <exception cref="IOException">Not allowed (CAP_NET_RAW), or the kernel has no packet sockets.</exception>
    public InformSocket()
    {
        // Without a protocol nothing comes before the filter stands.
        descriptor = NativeMethods.Socket(AF_PACKET, SOCK_DGRAM_CLOEXEC, 0);
        if (descriptor < 0) throw new IOException("packet socket: " + Errno.Describe(Marshal.GetLastPInvokeError()));
        Span<byte> address = stackalloc byte[AddressLength];
        WriteAddress(address, 0);
        fixed (FilterInstruction* instructions = Filter)
        fixed (byte* pointer = address)
        {
            var program = new FilterProgram { Length = (ushort)Filter.Length, Instructions = instructions };
            if (NativeMethods.SetSocketOption(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, (uint)sizeof(FilterProgram)) != 0) throw Fail("filter");
            if (NativeMethods.Bind(descriptor, pointer, AddressLength) != 0) throw Fail("bind");
        }
    }

    /// <param name="interfaceIndex">Where the packet came out.</param>
    /// <param name="packet">From its IPv4 header on; valid during the call.</param>
    public delegate void PacketItem(int interfaceIndex, ReadOnlySpan<byte> packet);

    /// <summary>Waits for a packet and hands it on.</summary>
    /// <returns>False when the time is over without one.</returns>
    public bool Wait(int milliseconds, PacketItem item)
    {
        var polled = new PollDescriptor { Descriptor = descriptor, Events = NativeMethods.POLLIN };
        if (NativeMethods.Poll(&polled, 1, milliseconds) <= 0) return false;
        Span<byte> address = stackalloc byte[AddressLength];
        nint length;
        fixed (byte* from = address)
        fixed (byte* pointer = buffer)
        {
            var vector = new IoVector { Base = pointer, Length = BufferLength };
            var header = new MessageHeader { Name = from, NameLength = AddressLength, Vectors = &vector, VectorCount = 1 };
            length = NativeMethods.ReceiveMessage(descriptor, &header, NativeMethods.MSG_DONTWAIT | NativeMethods.MSG_TRUNC);
        }

        if (length is <= 0 or > BufferLength) return false;
        item(BitConverter.ToInt32(address[4..]), buffer.AsSpan(0, (int)length));
        return true;
    }

    /// <summary>Sends an IPv4 packet into an interface; what does not go is lost, as a packet may be.</summary>
    /// <returns>errno; 0 = sent.</returns>
    public int Send(int interfaceIndex, ReadOnlySpan<byte> packet)
    {
        Span<byte> address = stackalloc byte[AddressLength];
        WriteAddress(address, interfaceIndex);
        fixed (byte* to = address)
        fixed (byte* pointer = packet)
        {
            var vector = new IoVector { Base = pointer, Length = (nuint)packet.Length };
            var header = new MessageHeader { Name = to, NameLength = AddressLength, Vectors = &vector, VectorCount = 1 };
            return NativeMethods.SendMessage(descriptor, &header, NativeMethods.MSG_DONTWAIT) < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
    }

    public void Dispose() => _ = NativeMethods.Close(descriptor);

    private static void WriteAddress(Span<byte> address, int interfaceIndex)
    {
        address.Clear();
        BitConverter.TryWriteBytes(address, (ushort)AF_PACKET);
        BinaryPrimitives.WriteUInt16BigEndian(address[2..], ETH_P_IP);
        BitConverter.TryWriteBytes(address[4..], interfaceIndex);
    }

    private IOException Fail(string what)
    {
        var error = new IOException($"packet socket: {what}: {Errno.Describe(Marshal.GetLastPInvokeError())}");
        Dispose();
        return error;
    }

    /// <summary>struct sock_filter.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct FilterInstruction(ushort Code, byte WhenTrue, byte WhenFalse, uint Operand);

    /// <summary>struct sock_fprog of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct FilterProgram
    {
        public ushort Length;
        public FilterInstruction* Instructions;
    }
}
