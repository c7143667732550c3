using System.Diagnostics;
using System.Globalization;

namespace Headend.Load;

/// <summary>What the gateway and its kernel hold after a round of logins and their ends.</summary>
/// <param name="ResidentKilobytes">Of the gateway's process.</param>
/// <param name="Descriptors">Open ones of the gateway.</param>
/// <param name="Links">Interfaces in its network namespace.</param>
/// <param name="Routes">IPv4 routes there, of all tables.</param>
/// <param name="FilterLines">Lines of its nftables ruleset without counters: chains, rules and elements.</param>
internal sealed record GatewayRecord(long ResidentKilobytes, int Descriptors, int Links, int Routes, int FilterLines);

/// <summary>Looks at the gateway's process and into its network namespace (root, util-linux's nsenter).</summary>
internal sealed class GatewayWatch(int pid)
{
    /// <summary>Interfaces named viN.</summary>
    public int Interfaces()
    {
        var count = 0;
        foreach (var line in File.ReadLines($"/proc/{pid}/net/dev"))
        {
            if (line.AsSpan().TrimStart().StartsWith("vi", StringComparison.Ordinal))
                count++;
        }

        return count;
    }

    /// <summary>User and system time so far, in the kernel's hundredths of a second.</summary>
    public double CpuMilliseconds()
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return 10.0 * (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture));
    }

    public long ResidentKilobytes()
    {
        foreach (var line in File.ReadLines($"/proc/{pid}/status"))
        {
            if (line.StartsWith("VmRSS:", StringComparison.Ordinal))
                return long.Parse(line.AsSpan(6).Trim().ToString().Split(' ')[0], CultureInfo.InvariantCulture);
        }

        return 0;
    }

    public GatewayRecord Count() => new(
        ResidentKilobytes(),
        Directory.GetFiles($"/proc/{pid}/fd").Length,
        Lines("ip", "-o", "link", "show"),
        Lines("ip", "route", "show", "table", "all"),
        Lines("nft", "-s", "list", "ruleset"));

    private int Lines(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("nsenter") { RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var argument in new[] { "--target", pid.ToString(CultureInfo.InvariantCulture), "--net", program }.Concat(arguments))
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start) ?? throw new InvalidOperationException("nsenter did not start");
        var count = 0;
        while (process.StandardOutput.ReadLine() is not null)
            count++;
        process.WaitForExit();
        return process.ExitCode == 0 ? count : throw new InvalidOperationException($"{program} failed in the namespace of process {pid}");
    }
}
