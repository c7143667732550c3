using System.Globalization;
using Headend.Admin;
using Headend.VirtualAccess.Configuration;

namespace Headend.Cli;

/// <summary>What <c>show interface</c>, <c>show derived-config</c> and <c>show vtemplate</c> print: IOS's lines where there are such.</summary>
internal static class InterfaceTables
{
    public static void DerivedConfig(InterfaceRecord shown, CommandLineOptions options) =>
        options.Output.Write(DerivedConfigCompiler.Compile(shown.Interface, shown.DerivedConfig.Select(c => AdminTables.Clean(c.Command))));

    public static void Interface(InterfaceRecord shown, CommandLineOptions options)
    {
        var output = options.Output;
        output.WriteLine($"{shown.Interface} is up, line protocol is up");
        output.WriteLine($"  Hardware is Virtual Access interface, device {shown.Device}, cloned from Virtual-Template{shown.VirtualTemplate}");
        if (shown.Description is { } description)
            output.WriteLine($"  Description: {AdminTables.Clean(description)}");
        output.WriteLine($"  User {AdminTables.Clean(shown.User ?? "-")}, profile {shown.Profile}, peer addresses {Join(shown.ClientAddresses)}");
        if (shown.Routes.Count > 0)
            output.WriteLine($"  Routes {Join(shown.Routes)}");
        output.WriteLine($"  IP MTU {shown.IpMtu} bytes, IPv6 MTU {shown.Ipv6Mtu} bytes{(shown.BandwidthKbps is { } speed ? $", BW {speed} Kbit/sec" : "")}");
        output.WriteLine($"  Tunnel source {shown.TunnelSource}, destination {shown.TunnelDestination}");
        output.WriteLine($"  Tunnel protocol/transport {shown.TunnelProtocol}");
        if (shown.TunnelProtocol.StartsWith("GRE/", StringComparison.Ordinal))
            output.WriteLine($"    Key {(shown.TunnelKey is { } key ? $"0x{key:X}" : "disabled")}, sequencing disabled");
        foreach (var one in shown.Translations)
        {
            output.WriteLine(one.Global is null
                ? $"  NAT overload by {one.WayOut ?? "any interface"}: {one.OutboundConnections} connections out"
                : $"  NAT static {one.Local} as {one.Global}: {one.OutboundConnections} connections out, {one.InboundConnections} in");
        }

        output.WriteLine($"  Last input {Ago(shown.LastInSeconds)}, output {Ago(shown.LastOutSeconds)}");
        output.WriteLine($"     {shown.InPackets} packets input, {shown.InOctets} bytes");
        output.WriteLine($"     {shown.OutPackets} packets output, {shown.OutOctets} bytes");
        foreach (var sa in shown.Sas)
            output.WriteLine($"  SA in {sa.InSpi} {sa.InPackets} packets, {sa.InOctets} bytes; out {sa.OutSpi} {sa.OutPackets} packets, {sa.OutOctets} bytes{(sa.IsSending ? ", sending" : "")}");
    }

    public static void Templates(IReadOnlyList<VirtualTemplateRecord> templates, CommandLineOptions options)
    {
        var output = options.Output;
        output.WriteLine("         Active     Active    Subint  Interface");
        output.WriteLine("       Interface Subinterface Capable Type");
        output.WriteLine("       --------- ------------ ------- ---------");
        foreach (var template in templates)
            output.WriteLine($"{"Vt" + template.Number.ToString(CultureInfo.InvariantCulture),-7}{template.ActiveInterfaces,9}{0,13}    No   Tunnel");
        foreach (var template in templates.Where(t => t.IsLocked))
        {
            output.WriteLine();
            output.WriteLine($"Virtual-Template{template.Number} is locked, active vaccess present: a change of the configuration is for new sessions");
            if (template.InterfacesBeforeChange > 0)
                output.WriteLine($"  a change waits: {template.InterfacesBeforeChange} of {template.ActiveInterfaces} interfaces were cloned before it");
        }
    }

    private static string Join(IReadOnlyList<string> all) => all.Count == 0 ? "-" : string.Join(' ', all);

    private static string Ago(long? seconds) => seconds is { } known ? AdminTables.Uptime(known) : "never";
}
