using System.Runtime.CompilerServices;
using Headend.VirtualAccess.DataPlane;

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
    public FactAsRootAttribute() => Skip = Missing;

    internal static string? Missing { get; } =
        !Environment.IsPrivilegedProcess ? "needs root for network namespaces"
        : !File.Exists("/dev/net/tun") ? "no /dev/net/tun"
        : !File.Exists("/usr/sbin/ip") && !File.Exists("/sbin/ip") ? "no iproute2"
        : null;

    /// <summary>A program that the test needs besides.</summary>
    public string Needs
    {
        get => "";
        set => Skip ??= File.Exists(value) ? null : $"no {value}";
    }

    /// <summary>A kind of device that the kernel must be able to make; tests/Interop/qemu.sh runs one that can make all.</summary>
    public string NeedsLink
    {
        get => "";
        set => Skip ??= CanMake(value) ? null : $"this kernel makes no {value} devices; tests/Interop/qemu.sh has one that does";
    }

    /// <summary>A kind of device that the kernel must not be able to make.</summary>
    public string LacksLink
    {
        get => "";
        set => Skip ??= CanMake(value) ? $"this kernel makes {value} devices" : null;
    }

    /// <summary>The kernel must be able to be the data plane; tests/Interop/qemu.sh runs one that is.</summary>
    public bool NeedsXfrm
    {
        get => false;
        set => Skip ??= value && Obstacle.Value is { } obstacle ? $"this kernel cannot be the data plane ({obstacle}); tests/Interop/qemu.sh has one that can" : null;
    }

    private static Lazy<string?> Obstacle { get; } = new(() => XfrmProbe.FindObstacle(EspAlgorithmTable.Rows));

    private static bool CanMake(string kind)
    {
        using var probe = System.Diagnostics.Process.Start("unshare", ["-n", "ip", "link", "add", "probe0", "type", kind, .. kind == "vrf" ? new[] { "table", "9" } : []]);
        probe.WaitForExit();
        return probe.ExitCode == 0;
    }
}

/// <summary>A theory with the needs of <see cref="FactAsRootAttribute"/>.</summary>
public sealed class TheoryAsRootAttribute : TheoryAttribute
{
    public TheoryAsRootAttribute() => Skip = FactAsRootAttribute.Missing;
}

public static class Vectors
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Source(), "../../../../shared/vectors"));

    private static string Source([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
