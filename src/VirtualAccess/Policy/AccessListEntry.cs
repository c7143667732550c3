using System.Net;
using System.Net.Sockets;

namespace Headend.VirtualAccess.Policy;

/// <summary>Numbers from one to another, both included.</summary>
/// <param name="First">0..65535.</param>
/// <param name="Last">Not below <paramref name="First"/>.</param>
public readonly record struct PortRange(ushort First, ushort Last)
{
    public override string ToString() => First == Last ? $"{First}" : $"{First}-{Last}";
}

/// <summary>Ports of one side of an entry.</summary>
/// <param name="Ranges">At least one; in order as written.</param>
/// <param name="IsExcluded">All ports but these (neq).</param>
public sealed record PortMatch(IReadOnlyList<PortRange> Ranges, bool IsExcluded = false)
{
    public override string ToString() => (IsExcluded ? "!" : "") + string.Join(',', Ranges);
}

/// <summary>Bits of the TCP flags octet (RFC 9293 3.1).</summary>
/// <param name="Mask">The bits that count.</param>
/// <param name="Set">Of those, the ones that must be set; the others must be clear. With <paramref name="IsAny"/> one set bit of the mask is enough.</param>
/// <param name="IsAny">One of the bits of the mask is enough.</param>
public readonly record struct TcpFlagMatch(byte Mask, byte Set, bool IsAny = false)
{
    public const byte Fin = 1, Syn = 2, Rst = 4, Psh = 8, Ack = 16, Urg = 32;

    /// <summary>IOS's and IPFilterRule's "established": RST or ACK.</summary>
    public static TcpFlagMatch Established { get; } = new(Ack | Rst, Ack | Rst, IsAny: true);

    /// <summary>IPFilterRule's "setup": SYN without ACK.</summary>
    public static TcpFlagMatch Setup { get; } = new(Syn | Ack, Syn);
}

/// <summary>One line of an access list: permit or deny, and what it is about. What is null does not count.</summary>
public sealed record AccessListEntry
{
    public required bool IsPermit { get; init; }

    /// <summary>Place in its list, 1 and up; 0 before it has one.</summary>
    public int Sequence { get; init; }

    /// <summary>The keyword or protocol belongs to this family alone; null where only the addresses say.</summary>
    public AddressFamily? KeywordFamily { get; init; }

    /// <summary>IP protocol number.</summary>
    public byte? Protocol { get; init; }

    public AddressMatch? Source { get; init; }

    public PortMatch? SourcePorts { get; init; }

    public AddressMatch? Destination { get; init; }

    public PortMatch? DestinationPorts { get; init; }

    public TcpFlagMatch? TcpFlags { get; init; }

    /// <summary>ICMP or ICMPv6 types.</summary>
    public IReadOnlyList<PortRange>? IcmpTypes { get; init; }

    public byte? IcmpCode { get; init; }

    /// <summary>0..63.</summary>
    public byte? Dscp { get; init; }

    /// <summary>Fragments behind the first alone.</summary>
    public bool Fragments { get; init; }

    /// <summary>
    /// Fragments behind the first, which carry no ports, pass where addresses and protocol fit, as IOS lets them; without it they never fit a line that names ports, as
    /// RFC 6733 4.3.1 demands of IPFilterRules.
    /// </summary>
    public bool PermitsLaterFragments { get; init; }

    public bool Log { get; init; }

    /// <summary>The line has only a source: a standard list's.</summary>
    public bool IsStandard { get; init; }

    /// <summary>The line as written, without its number: words that the parser knows, one blank between them.</summary>
    public string Text { get; init; } = "";

    /// <summary>Null where the entry is about both families.</summary>
    public AddressFamily? Family => Source?.Family ?? Destination?.Family ?? KeywordFamily;

    /// <summary>The entry looks behind the IP header.</summary>
    public bool NeedsTransportHeader => SourcePorts is not null || DestinationPorts is not null || TcpFlags is not null || IcmpTypes is not null;
}

/// <summary>A named or numbered access list.</summary>
/// <param name="Name">As configured; numbers are names too.</param>
/// <param name="Entries">In order, remarks left out.</param>
public sealed record AccessList(string Name, IReadOnlyList<AccessListEntry> Entries)
{
    /// <summary>What no entry fits is denied, of either family; true passes it (an IPFilterRule list whose last rule is a deny, RFC 6733 4.3.1).</summary>
    public bool PermitsRest { get; init; }

    /// <summary>A fragment with offset one, which has only one use, is always discarded (RFC 6733 4.3.1).</summary>
    public bool DropsOffsetOne { get; init; }

    /// <summary>The list is one session's own: another with the same lines may be enforced by the same chain.</summary>
    public bool IsOfSession { get; init; }

    /// <summary>The list is asked about packets of this family alone, as IOS's <c>ip access-group</c> and <c>ipv6 traffic-filter</c> do; null = about both.</summary>
    public AddressFamily? Scope { get; init; }

    public bool IsStandard => Entries.All(static e => e.IsStandard);

    public bool IsIpv6 => Entries.Count > 0 && Entries.All(static e => e.Family == AddressFamily.InterNetworkV6);

    /// <summary>
    /// The subnets that a client is told to reach through us when a list stands for them (route-set=access-list): of each permit entry the destination, or the source
    /// where the entry names no destination, as standard lists and IOS's split-tunnel lists do. Deny entries, ports, ranges and wildcards with holes cannot be told to a
    /// client and are left out.
    /// </summary>
    public IReadOnlyList<IPNetwork> Subnets(bool isIpv6) =>
        [.. Entries.Where(static e => e.IsPermit).Select(static e => e.Destination ?? e.Source).Where(static m => m is { Network: not null, IsExcluded: false })
            .Select(static m => m!.Network!.Value).Where(n => n.PrefixLength > 0 && n.BaseAddress.GetAddressBytes().Length == (isIpv6 ? 16 : 4)).Distinct()];
}
