namespace Headend.VirtualAccess.Linux;

/// <summary>net.ipv6.conf.DEVICE.disable_ipv6, which rtnetlink can read but not set.</summary>
internal static unsafe class Ipv6Switch
{
    /// <summary>Switches IPv6 of one device on or off.</summary>
    /// <param name="device">Its name.</param>
    /// <param name="on">True lets the device carry IPv6.</param>
    /// <returns>False where the kernel has no IPv6 or /proc/sys is read-only, as in some containers.</returns>
    public static bool TrySet(string device, bool on)
    {
        var descriptor = NativeMethods.Open($"/proc/sys/net/ipv6/conf/{device}/disable_ipv6", NativeMethods.O_WRONLY | NativeMethods.O_CLOEXEC);
        if (descriptor < 0) return false;
        var value = on ? (byte)'0' : (byte)'1';
        var written = NativeMethods.Write(descriptor, &value, 1);
        _ = NativeMethods.Close(descriptor);
        return written == 1;
    }
}
