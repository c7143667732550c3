namespace Headend.VirtualAccess.Linux;

/// <summary>Linux errno values by name (asm-generic/errno.h), for messages and decisions.</summary>
internal static class Errno
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int ESRCH = 3;
    public const int EINTR = 4;
    public const int EIO = 5;
    public const int EAGAIN = 11;
    public const int ENOMEM = 12;
    public const int EEXIST = 17;
    public const int ENODEV = 19;
    public const int EINVAL = 22;
    public const int EMSGSIZE = 90;
    public const int EOPNOTSUPP = 95;
    public const int EAFNOSUPPORT = 97;
    public const int EADDRNOTAVAIL = 99;
    public const int ENOBUFS = 105;
    public const int ECONNREFUSED = 111;

    /// <summary>May be the ICMP error of an earlier packet that a socket with an error queue tells instead of doing what it was asked (icmp_err_convert, icmpv6_err_convert);
    /// it tells each once.</summary>
    public static bool MayReportEarlier(int errno) =>
        errno is ECONNREFUSED or EMSGSIZE or 13 or 64 or 71 or 92 or 95 or 100 or 101 or 112 or 113;

    private static readonly Dictionary<int, string> Names = new()
    {
        [EPERM] = "EPERM",
        [ENOENT] = "ENOENT",
        [ESRCH] = "ESRCH",
        [EINTR] = "EINTR",
        [EIO] = "EIO",
        [6] = "ENXIO",
        [9] = "EBADF",
        [EAGAIN] = "EAGAIN",
        [ENOMEM] = "ENOMEM",
        [13] = "EACCES",
        [14] = "EFAULT",
        [16] = "EBUSY",
        [EEXIST] = "EEXIST",
        [ENODEV] = "ENODEV",
        [EINVAL] = "EINVAL",
        [23] = "ENFILE",
        [24] = "EMFILE",
        [28] = "ENOSPC",
        [34] = "ERANGE",
        [77] = "EBADFD",
        [EMSGSIZE] = "EMSGSIZE",
        [95] = "EOPNOTSUPP",
        [EAFNOSUPPORT] = "EAFNOSUPPORT",
        [98] = "EADDRINUSE",
        [EADDRNOTAVAIL] = "EADDRNOTAVAIL",
        [100] = "ENETDOWN",
        [101] = "ENETUNREACH",
        [ENOBUFS] = "ENOBUFS",
        [110] = "ETIMEDOUT",
        [ECONNREFUSED] = "ECONNREFUSED",
        [113] = "EHOSTUNREACH",
    };

    /// <summary>For example <c>EPERM (Operation not permitted)</c>.</summary>
    public static string Describe(int errno)
    {
        var text = System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(errno);
        return Names.TryGetValue(errno, out var name) ? $"{name} ({text})" : $"errno {errno} ({text})";
    }
}
