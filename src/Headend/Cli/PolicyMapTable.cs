using Headend.Admin;

namespace Headend.Cli;

/// <summary>Prints policies of an interface in IOS's form.</summary>
internal static class PolicyMapTable
{
    public static void Print(IReadOnlyList<PolicyMapRecord> policies, CommandLineOptions options)
    {
        var output = options.Output;
        string? last = null;
        foreach (var policy in policies)
        {
            if (policy.Interface != last)
                output.WriteLine($" {policy.Interface}");
            last = policy.Interface;
            output.WriteLine();
            output.WriteLine($"  Service-policy {policy.Direction}: {policy.Policy}");
            foreach (var one in policy.Classes)
                Print(one, output);
        }
    }

    private static void Print(PolicyClassRecord one, TextWriter output)
    {
        var margin = new string(' ', 4 * one.Depth);
        output.WriteLine();
        output.WriteLine($"{margin}Class-map: {NameOf(one)} ({(one.MatchAll ? "match-all" : "match-any")})");
        var inner = margin + "  ";
        output.WriteLine($"{inner}{one.Packets} packets, {one.Octets} bytes");
        output.WriteLine($"{inner}30 second rate {one.RateBps} bps");
        foreach (var condition in one.Match)
            output.WriteLine($"{inner}Match: {condition}");
        if (one.PoliceBps is { } police)
        {
            output.WriteLine($"{inner}police:");
            output.WriteLine($"{inner}    cir {police} bps, bc {one.PoliceBurstOctets} bytes{(one.PolicePeakBps is { } peak ? $", pir {peak} bps" : "")}");
        }

        if (one.BandwidthPercent is { } percent)
            output.WriteLine($"{inner}bandwidth {percent}%");
        if (one.BandwidthBps is { } bandwidth)
            output.WriteLine($"{inner}bandwidth {bandwidth} bps");
        if (one.Priority)
            output.WriteLine(one.PriorityBps is { } priority ? $"{inner}priority {priority} bps" : $"{inner}priority");
        if (one.ShapeBps is { } shape)
            output.WriteLine($"{inner}shape (average) cir {shape} bps");
        if (one.SetDscp is { } dscp)
            output.WriteLine($"{inner}set dscp {dscp}");
        output.WriteLine($"{inner}(queue depth/total drops) {one.QueuedPackets}/{one.DroppedPackets}");
        if (one.ServicePolicy is not { } nested)
            return;
        output.WriteLine();
        output.WriteLine($"{inner}Service-policy : {nested}");
    }

    // IOS's name of the default class.
    private static string NameOf(PolicyClassRecord one) => one.Class == "default" ? "class-default" : one.Class;
}
