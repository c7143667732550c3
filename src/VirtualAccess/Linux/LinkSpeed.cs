using System.Runtime.InteropServices;
using System.Text;

namespace Headend.VirtualAccess.Linux;

/// <summary>The speed that a device tells those who ask (ethtool).</summary>
internal static unsafe class LinkSpeed
{
    private const int AF_INET = 2;
    private const int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
    private const nuint SIOCETHTOOL = 0x8946;
    private const uint ETHTOOL_GSET = 1;
    private const uint ETHTOOL_SSET = 2;
    private const int MaximumName = 15;

    /// <summary>struct ethtool_cmd: cmd, supported, advertising, then speed in Mbit/s as two halves.</summary>
    private const int CommandLength = 44;
    private const int SpeedLow = 12;
    private const int SpeedHigh = 28;

    /// <summary>struct ifreq: the name and a pointer.</summary>
    private const int RequestLength = 40;
    private const int RequestPointer = 16;

    /// <returns>0 or errno.</returns>
    public static int Set(string device, uint kilobitsPerSecond)
    {
        var descriptor = NativeMethods.Socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
        if (descriptor < 0) return Marshal.GetLastPInvokeError();
        try
        {
            Span<byte> command = stackalloc byte[CommandLength];
            command.Clear();
            var errno = Call(descriptor, device, ETHTOOL_GSET, command);
            if (errno != 0) return errno;
            var megabits = Math.Max(1, kilobitsPerSecond / 1000);
            BitConverter.TryWriteBytes(command[SpeedLow..], (ushort)megabits);
            BitConverter.TryWriteBytes(command[SpeedHigh..], (ushort)(megabits >> 16));
            return Call(descriptor, device, ETHTOOL_SSET, command);
        }
        finally
        {
            _ = NativeMethods.Close(descriptor);
        }
    }

    private static int Call(int descriptor, string device, uint number, Span<byte> command)
    {
        BitConverter.TryWriteBytes(command, number);
        Span<byte> request = stackalloc byte[RequestLength];
        request.Clear();
        Encoding.ASCII.GetBytes(device.AsSpan(0, Math.Min(device.Length, MaximumName)), request);
        fixed (byte* data = command)
        fixed (byte* pointer = request)
        {
            BitConverter.TryWriteBytes(request[RequestPointer..], (ulong)data);
            return NativeMethods.Ioctl(descriptor, SIOCETHTOOL, pointer) < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
    }
}
