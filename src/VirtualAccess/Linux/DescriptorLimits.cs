namespace Headend.VirtualAccess.Linux;

/// <summary>RLIMIT_NOFILE: each session's TUN device takes a descriptor, and a login shell's usual limit ends at some thousand.</summary>
internal static unsafe class DescriptorLimits
{
    private const int RLIMIT_NOFILE = 7;

    /// <summary>The kernel's default of fs.nr_open, the most that may be asked for.</summary>
    private const ulong Wanted = 1 << 20;

    /// <summary>Raises the limit as far as this process may: root to 1048576, everybody else to the hard limit.</summary>
    /// <returns>The limit that holds now.</returns>
    public static ulong Raise()
    {
        var limits = stackalloc ulong[2];
        if (NativeMethods.GetResourceLimit(RLIMIT_NOFILE, limits) != 0) return 0;
        var (soft, hard) = (limits[0], limits[1]);
        if (soft >= Wanted) return soft;
        limits[0] = Wanted;
        limits[1] = Math.Max(Wanted, hard);
        if (NativeMethods.SetResourceLimit(RLIMIT_NOFILE, limits) == 0) return Wanted;
        limits[0] = limits[1] = hard;
        return NativeMethods.SetResourceLimit(RLIMIT_NOFILE, limits) == 0 ? hard : soft;
    }
}
