using System.Runtime.CompilerServices;

namespace Headend.VirtualAccess.Tests.Support;

/// <summary>A fact that needs the shared vectors; skipped with a reason where they are absent.</summary>
public sealed class FactWithVectorsAttribute : FactAttribute
{
    public FactWithVectorsAttribute()
    {
        if (!Directory.Exists(Vectors.Root)) Skip = "../shared/vectors is absent";
    }
}

/// <summary>A fact that makes network namespaces and TUN devices; skipped with a reason without root or /dev/net/tun.</summary>
public sealed class FactAsRootAttribute : FactAttribute
{
    public FactAsRootAttribute()
    {
        if (!Environment.IsPrivilegedProcess) Skip = "needs root for network namespaces";
        else if (!File.Exists("/dev/net/tun")) Skip = "no /dev/net/tun";
        else if (!File.Exists("/usr/sbin/ip") && !File.Exists("/sbin/ip")) Skip = "no iproute2";
    }

    /// <summary>A program that the test needs besides.</summary>
    public string Needs
    {
        get => "";
        set => Skip ??= File.Exists(value) ? null : $"no {value}";
    }
}

public static class Vectors
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Source(), "../../../../shared/vectors"));

    private static string Source([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
