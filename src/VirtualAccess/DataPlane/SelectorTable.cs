using System.Collections.Immutable;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>Selectors of one side of an SA in a form that is compared without allocation. Immutable.</summary>
internal sealed class SelectorTable
{
    private readonly Range[] ranges;

    public SelectorTable(ImmutableArray<EspSelector> selectors)
    {
        ranges = new Range[selectors.IsDefault ? 0 : selectors.Length];
        for (var i = 0; i < ranges.Length; i++)
        {
            var selector = selectors[i];
            ranges[i] = new Range(
                TransportAddress.ToBits(selector.First), TransportAddress.ToBits(selector.Last), selector.Protocol, selector.FirstPort, selector.LastPort);
        }
    }

    /// <summary>Whether an address with its port is covered. Opaque ports are covered by "any port" only (RFC 4301 7).</summary>
    public bool Contains(UInt128 address, in IpPacket packet, ushort port)
    {
        foreach (ref readonly var range in ranges.AsSpan())
        {
            if (address < range.First || address > range.Last) continue;
            if (range.Protocol != 0 && range.Protocol != packet.Protocol) continue;
            if (range.FirstPort == 0 && range.LastPort == ushort.MaxValue) return true;
            if (packet.HasPorts && port >= range.FirstPort && port <= range.LastPort) return true;
        }

        return false;
    }

    private readonly record struct Range(UInt128 First, UInt128 Last, byte Protocol, ushort FirstPort, ushort LastPort);
}
