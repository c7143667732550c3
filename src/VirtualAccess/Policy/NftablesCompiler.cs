using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Headend.VirtualAccess.Policy;

/// <summary>
/// Writes access lists as nftables rules. Pure. Nothing that anybody sent is copied into the text: it is made of numbers and addresses that the parsers have read, and of
/// names that are numbers of ours.
/// </summary>
/// <remarks>
/// A list is a chain: what it permits returns to the caller, so that the list of the other direction and further lists of the same direction are asked too; what it denies
/// is dropped. Each rule that decides carries the number of its entry as comment and a counter; 0 is the end of the list.
/// </remarks>
public static class NftablesCompiler
{
    /// <summary>Comment of the rule at a list's end.</summary>
    public const int RestComment = 0;

    // A list that logs must not fill the kernel's log.
    private const string LogLimit = "limit rate 10/second burst 20 packets";

    /// <summary>The rules of a list, one per element, to be written behind "add rule FAMILY TABLE CHAIN".</summary>
    /// <param name="list">The list.</param>
    /// <param name="label">Stands in the kernel log beside the entry's number: the chain's name.</param>
    public static IReadOnlyList<string> Rules(AccessList list, string label)
    {
        var rules = new List<string>();
        if (list.DropsOffsetOne)
        {
            // RFC 6733 4.3.1: "There is one kind of packet that the access device MUST always discard, that is an IP fragment with a fragment offset of one."
            rules.Add($"meta nfproto ipv4 ip frag-off & 0x1fff == 1 counter drop comment \"{RestComment}\"");
            rules.Add($"meta nfproto ipv6 frag frag-off == 1 counter drop comment \"{RestComment}\"");
        }

        foreach (var entry in list.Entries)
        {
            foreach (var match in Matches(entry))
            {
                var condition = match.Length == 0 ? "" : match + " ";
                if (entry.Log) rules.Add($"{condition}{LogLimit} log prefix \"headend {label} {entry.Sequence} {(entry.IsPermit ? "permit" : "deny")} \"");
                rules.Add(string.Create(CultureInfo.InvariantCulture, $"{condition}counter {(entry.IsPermit ? "return" : "drop")} comment \"{entry.Sequence}\""));
            }
        }

        rules.Add($"counter {(list.PermitsRest ? "return" : "drop")} comment \"{RestComment}\"");
        return rules;
    }

    /// <summary>The conditions under which an entry fits: one, or several where families or fragments need their own.</summary>
    internal static IEnumerable<string> Matches(AccessListEntry entry)
    {
        if (entry.Family is null && (entry.Fragments || entry.Dscp is not null || entry.PermitsLaterFragments))
        {
            foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
            {
                foreach (var match in Matches(entry with { KeywordFamily = family })) yield return match;
            }

            yield break;
        }

        yield return Match(entry);
        if (entry.PermitsLaterFragments)
            yield return Match(entry with { SourcePorts = null, DestinationPorts = null, TcpFlags = null, IcmpTypes = null, IcmpCode = null, Fragments = true });
    }

    private static string Match(AccessListEntry entry)
    {
        var text = new List<string>();
        var v6 = entry.Family == AddressFamily.InterNetworkV6;
        var ip = v6 ? "ip6" : "ip";
        if (entry.Family is not null) text.Add(v6 ? "meta nfproto ipv6" : "meta nfproto ipv4");
        if (entry.Source is { } source) text.Add(Address($"{ip} saddr", source));
        if (entry.Destination is { } destination) text.Add(Address($"{ip} daddr", destination));
        if (entry.Dscp is { } dscp) text.Add($"{ip} dscp {dscp}");
        if (entry.Fragments) text.Add(v6 ? "frag frag-off != 0" : "ip frag-off & 0x1fff != 0");
        if (entry.Protocol is { } protocol) text.Add($"meta l4proto {protocol}");
        if (entry.SourcePorts is { } from) text.Add(Ports("th sport", from.Ranges, from.IsExcluded));
        if (entry.DestinationPorts is { } to) text.Add(Ports("th dport", to.Ranges, to.IsExcluded));
        if (entry.TcpFlags is { } flags)
            text.Add(flags.IsAny ? $"tcp flags & 0x{flags.Mask:x2} != 0" : $"tcp flags & 0x{flags.Mask:x2} == 0x{flags.Set:x2}");
        var icmp = entry.Protocol == 58 ? "icmpv6" : "icmp";
        if (entry.IcmpTypes is { } types) text.Add(Ports($"{icmp} type", types, isExcluded: false));
        if (entry.IcmpCode is { } code) text.Add($"{icmp} code {code}");
        return string.Join(' ', text.Where(static part => part.Length > 0));
    }

    private static string Address(string field, AddressMatch match)
    {
        var operation = match.IsExcluded ? "!= " : "";
        if (match.Mask is { } mask) return $"{field} & {mask} {(match.IsExcluded ? "!=" : "==")} {match.First}";
        if (match.Last is { } last) return $"{field} {operation}{match.First}-{last}";
        var network = match.Network!.Value;
        // Everything of a family is said by the family.
        if (network.PrefixLength == 0) return match.IsExcluded ? $"{field} {network.BaseAddress} {field} != {network.BaseAddress}" : "";
        return $"{field} {operation}{network}";
    }

    private static string Ports(string field, IReadOnlyList<PortRange> ranges, bool isExcluded)
    {
        var text = new StringBuilder(field).Append(isExcluded ? " != " : " ");
        if (ranges.Count == 1) return text.Append(ranges[0]).ToString();
        return text.Append("{ ").AppendJoin(", ", Merge(ranges)).Append(" }").ToString();
    }

    // The kernel refuses a set whose ranges overlap.
    private static List<PortRange> Merge(IReadOnlyList<PortRange> ranges)
    {
        var merged = new List<PortRange>();
        foreach (var range in ranges.OrderBy(static r => r.First))
        {
            if (merged.Count > 0 && range.First <= merged[^1].Last + 1) merged[^1] = new PortRange(merged[^1].First, Math.Max(merged[^1].Last, range.Last));
            else merged.Add(range);
        }

        return merged;
    }
}
