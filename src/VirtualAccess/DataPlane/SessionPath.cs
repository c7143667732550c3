namespace Headend.VirtualAccess.DataPlane;

/// <summary>What routers on the way have said of its MTU; ages, since a path may change and nobody says when it has become wider (RFC 1191 6.3).</summary>
/// <param name="Mtu">Octets of an outer packet; 0 = nothing known.</param>
/// <param name="Until">Timestamp from which it is forgotten.</param>
/// <param name="IsNarrower">The path is narrower than <paramref name="Mtu"/>, our lower bound: DF stays clear, so that routers fragment.</param>
internal readonly record struct PathMtu(int Mtu, long Until, bool IsNarrower);

/// <summary>Where a session sends, resolved once: immutable, swapped as a whole.</summary>
/// <param name="Path">As given.</param>
/// <param name="Descriptor">Socket that sends with DF clear, -1 = none for this path.</param>
/// <param name="DontFragmentDescriptor">Socket that sends with DF set, -1 = none.</param>
internal sealed record SessionPath(EspPath Path, int Descriptor, int DontFragmentDescriptor)
{
    /// <summary>Of outer IPv4: below it a forged report would be cheaper for an attacker than for us (as Linux's min_pmtu, RFC 1191 leaves it at 68).</summary>
    private const int LowestIPv4 = 576;

    private const int UdpHeader = 8;

    /// <summary>The kernel may cut datagrams to this place out of larger messages; false once it has refused. On the sending thread only.</summary>
    public bool Segmentation { get; set; } = Path.Encapsulation == EspEncapsulation.Udp;

    public PathMtu Learned { get; init; }

    /// <summary>Octets before ESP.</summary>
    public int HeaderLength { get; } = (Path.Remote.IsIPv4 ? IpPacket.MinimumIPv4 : IpPacket.IPv6Header) + (Path.Encapsulation == EspEncapsulation.Udp ? UdpHeader : 0);

    /// <summary>Octets that an outer packet may have; 0 = not known.</summary>
    public int MtuAt(long now)
    {
        if (Learned.Mtu == 0 || now >= Learned.Until) return Path.OuterMtu;
        return Path.OuterMtu == 0 ? Learned.Mtu : Math.Min(Learned.Mtu, Path.OuterMtu);
    }

    /// <summary>Which socket takes a packet: the one that sets DF where the SA and the inner packet ask for it and the packet fits as far as anybody knows (RFC 4301 8.1).</summary>
    public int DescriptorFor(DfBit rule, bool innerDontFragment, int espLength, long now)
    {
        if (rule == DfBit.Clear || DontFragmentDescriptor < 0 || !(innerDontFragment || rule == DfBit.Set)) return Descriptor;
        if (Learned.IsNarrower && now < Learned.Until) return Descriptor;
        var mtu = MtuAt(now);
        return mtu == 0 || HeaderLength + espLength <= mtu ? DontFragmentDescriptor : Descriptor;
    }

    /// <summary>The path with a report taken into account; null when it says nothing new. Only less is believed: more is seen when the entry has aged.</summary>
    public SessionPath? Learn(int mtu, long now, long until)
    {
        var lowest = Path.Remote.IsIPv4 ? LowestIPv4 : Configuration.InterfaceConfig.MinimumIpv6Mtu;
        var bounded = Math.Max(mtu, lowest);
        var known = MtuAt(now);
        var narrower = mtu < lowest;
        if (known != 0 && known <= bounded && !(narrower && !Learned.IsNarrower)) return null;
        // The kernel cuts messages again: what it refused before may fit now.
        return this with { Learned = new PathMtu(bounded, until, narrower), Segmentation = Path.Encapsulation == EspEncapsulation.Udp };
    }
}
