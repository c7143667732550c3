using Headend.Admin;
using Headend.Ikev2;
using Headend.Runtime;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Policy;

namespace Headend.Sessions;

/// <summary>Describes virtual-access interfaces and virtual-templates for the admin API.</summary>
internal sealed class InterfaceAdmin(SessionTable table, SessionInterfaces interfaces, VirtualTemplateStore templates, MonotonicClock clock)
{
    /// <summary>What the translations of a device have met.</summary>
    public Func<string, IReadOnlyList<NatRuleCounters>> Translations { get; init; } = static _ => [];

    /// <summary>Null without such an interface.</summary>
    public InterfaceRecord? Describe(int number)
    {
        var session = table.All.FirstOrDefault(s => s.Names.Number == number && !s.Handle.IsNone);
        return session?.InterfaceConfig is { } config ? ToRecord(session, config) : null;
    }

    public IReadOnlyList<VirtualTemplateRecord> DescribeTemplates()
    {
        var sessions = table.All.ToArray();
        return [.. templates.All.Select(t => ToRecord(t, [.. sessions.Where(s => s.IsCloneOf(t))]))];
    }

    private static VirtualTemplateRecord ToRecord(TemplateBinding template, IReadOnlyCollection<ClientSession> clones)
    {
        var current = template.Current;
        return new VirtualTemplateRecord
        {
            Number = template.Number,
            Mode = current.IsAutoMode ? "auto" : "configured",
            Commands = current.Commands,
            ActiveInterfaces = clones.Count,
            IsLocked = clones.Count > 0,
            InterfacesBeforeChange = clones.Count(s => !s.Template.Equals(current)),
        };
    }

    private InterfaceRecord ToRecord(ClientSession session, InterfaceConfig config)
    {
        var tunnel = session.Tunnel;
        var counters = interfaces.CountersOf(session);
        var (inbound, outbound) = interfaces.LastTraffic(session);
        return new InterfaceRecord
        {
            Number = session.Names.Number,
            Interface = session.InterfaceName,
            Device = session.DeviceName,
            VirtualTemplate = session.Template.Number,
            Description = config.Description?.Value,
            User = session.User,
            Profile = session.Binding.Name,
            ClientAddresses = [.. session.ClientAddresses().Select(a => a.ToString())],
            Routes = [.. PeerRouting.Assigned(session.Profile, session.Addresses).Concat(session.AnnouncedRoutes).Select(r => r.ToString())],
            BandwidthKbps = config.Bandwidth?.Value,
            IpMtu = config.EffectiveIpMtu,
            Ipv6Mtu = config.EffectiveIpv6Mtu,
            TunnelSource = tunnel.Local.ToString(),
            TunnelDestination = tunnel.Remote.ToString(),
            TunnelProtocol = $"{(tunnel.Encapsulation == TunnelEncapsulation.Gre ? "GRE" : "IPSEC")}/{(tunnel.Mode.IsIpv6 ? "IPV6" : "IP")}",
            TunnelKey = tunnel.Encapsulation == TunnelEncapsulation.Gre ? config.TunnelKey?.Value : null,
            InOctets = counters.InputOctets,
            OutOctets = counters.OutputOctets,
            InPackets = counters.InputPackets,
            OutPackets = counters.OutputPackets,
            LastInSeconds = Ago(inbound),
            LastOutSeconds = Ago(outbound),
            Sas = [.. interfaces.SasOf(session).Select(sa => new InterfaceSaRecord(
                $"{sa.InboundSpi:x8}", $"{sa.OutboundSpi:x8}", sa.InPackets, sa.OutPackets, sa.InOctets, sa.OutOctets, sa.Sending))],
            Translations = [.. Translations(session.DeviceName).Select(t => new InterfaceTranslationRecord(
                t.Rule.IsOverload ? "overload" : "static", t.Rule.Command, t.Rule.WayOut, t.Rule.Local?.ToString(), t.Rule.Global?.ToString(), t.Outbound, t.Inbound))],
            DerivedConfig = [.. config.Commands(tunnel).Select(c => new DerivedCommandRecord(c.Command, c.Origin.ToString()))],
        };
    }

    private long? Ago(MonotonicTime? at) => at is { } time ? (long)(clock.Now - time).TotalSeconds : null;
}
