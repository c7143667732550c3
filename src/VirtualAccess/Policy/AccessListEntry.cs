using System.Net;

namespace Headend.VirtualAccess.Policy;

/// <summary>Ports of one side of an entry, both ends included.</summary>
/// <param name="First">0..65535.</param>
/// <param name="Last">Not below <paramref name="First"/>.</param>
/// <param name="IsExcluded">All ports but these (neq).</param>
public readonly record struct PortRange(ushort First, ushort Last, bool IsExcluded = false);

/// <summary>One line of an access list: permit or deny, protocol, where from, where to.</summary>
public sealed record AccessListEntry
{
    public required bool IsPermit { get; init; }

    /// <summary>IP protocol number; null for any.</summary>
    public byte? Protocol { get; init; }

    /// <summary>Null for any address.</summary>
    public IPNetwork? Source { get; init; }

    public PortRange? SourcePorts { get; init; }

    /// <summary>Null for any address.</summary>
    public IPNetwork? Destination { get; init; }

    public PortRange? DestinationPorts { get; init; }

    /// <summary>TCP segments with ACK or RST alone.</summary>
    public bool Established { get; init; }

    /// <summary>The line has only a source: a standard list's.</summary>
    public bool IsStandard { get; init; }
}

/// <summary>A named or numbered access list.</summary>
/// <param name="Name">As configured; numbers are names too.</param>
/// <param name="Entries">In order, remarks left out. What no entry permits is denied.</param>
public sealed record AccessList(string Name, IReadOnlyList<AccessListEntry> Entries)
{
    /// <summary>
    /// The subnets that a client is told to reach through us when a list stands for them (route-set=access-list): of each permit entry the destination, or the source
    /// where the entry names no destination, as standard lists and IOS's split-tunnel lists do. Deny entries and ports cannot be told to a client and are left out.
    /// </summary>
    public IReadOnlyList<IPNetwork> Subnets(bool isIpv6) =>
        [.. Entries.Where(e => e.IsPermit).Select(e => e.Destination ?? e.Source).OfType<IPNetwork>()
            .Where(n => n.BaseAddress.GetAddressBytes().Length == (isIpv6 ? 16 : 4)).Distinct()];
}
