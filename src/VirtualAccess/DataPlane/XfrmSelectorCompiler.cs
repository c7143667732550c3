using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Cuts traffic selectors, which are ranges (RFC 7296 3.13.1), into the prefixes and power-of-two blocks of ports that the kernel's policies know. Exactly the same
/// packets match; a range that takes too many blocks is refused, not widened.
/// </summary>
internal static class XfrmSelectorCompiler
{
    /// <summary>Policies of one pair of SAs in one direction.</summary>
    public const int MaximumPolicies = 64;

    private const byte Icmp = 1;
    private const byte IcmpV6 = 58;

    /// <summary>The selectors of outbound packets: from our side to the client's.</summary>
    public static bool TryCompile(
        ImmutableArray<EspSelector> local, ImmutableArray<EspSelector> remote, out ImmutableArray<XfrmSelector> selectors, [NotNullWhen(false)] out string? reason)
    {
        var result = ImmutableArray.CreateBuilder<XfrmSelector>();
        selectors = [];
        foreach (var ours in local)
        {
            foreach (var theirs in remote)
            {
                if (ours.First.AddressFamily != theirs.First.AddressFamily || !TryProtocol(ours, theirs, out var protocol)) continue;
                if (protocol is Icmp or IcmpV6 && !(IsAnyPort(ours) && IsAnyPort(theirs)))
                {
                    // The kernel's flows carry type and code in other places than traffic selectors do.
                    reason = "the kernel's policies know no ranges of ICMP types";
                    return false;
                }

                foreach (var source in Blocks(ours))
                {
                    foreach (var destination in Blocks(theirs))
                    {
                        if (result.Count == MaximumPolicies)
                        {
                            reason = $"the traffic selectors take more than {MaximumPolicies} policies of the kernel";
                            return false;
                        }

                        result.Add(new XfrmSelector(source, destination, protocol));
                    }
                }
            }
        }

        selectors = result.ToImmutable();
        reason = selectors.IsEmpty ? "no packet fits the traffic selectors of both sides" : null;
        return reason is null;
    }

    /// <summary>Both sides name a protocol; one of them may name any.</summary>
    private static bool TryProtocol(EspSelector ours, EspSelector theirs, out byte protocol)
    {
        protocol = ours.Protocol == 0 ? theirs.Protocol : ours.Protocol;
        return ours.Protocol == 0 || theirs.Protocol == 0 || ours.Protocol == theirs.Protocol;
    }

    private static bool IsAnyPort(EspSelector selector) => selector is { FirstPort: 0, LastPort: ushort.MaxValue };

    private static IEnumerable<XfrmBlock> Blocks(EspSelector selector)
    {
        var isIPv4 = selector.First.GetAddressBytes().Length == 4;
        foreach (var (address, bits) in Cut(TransportAddress.ToBits(selector.First), TransportAddress.ToBits(selector.Last), isIPv4 ? 32 : 128))
        {
            var length = (byte)((isIPv4 ? 32 : 128) - bits);
            foreach (var (port, portBits) in Cut(selector.FirstPort, selector.LastPort, 16))
                yield return new XfrmBlock(address, isIPv4, length, (ushort)port, (ushort)(0xffff << portBits));
        }
    }

    /// <summary>The fewest aligned power-of-two blocks that make up a range: first number and size in bits of each. Ends when the caller stops.</summary>
    private static IEnumerable<(UInt128 First, int Bits)> Cut(UInt128 first, UInt128 last, int width)
    {
        while (first <= last)
        {
            var bits = 0;
            while (bits < width && ((first >> bits) & 1) == 0 && Fits(first, bits + 1, last)) bits++;
            yield return (first, bits);
            var next = first + (UInt128.One << Math.Min(bits, 127)) + (bits == 128 ? UInt128.One << 127 : 0);
            if (next <= first) yield break;
            first = next;
        }
    }

    private static bool Fits(UInt128 first, int bits, UInt128 last) =>
        bits >= 128 ? first == 0 && last == UInt128.MaxValue : last - first >= (UInt128.One << bits) - 1;
}
