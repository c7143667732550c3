using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Headend.VirtualAccess.Policy;

/// <summary>One IPFilterRule, parsed.</summary>
/// <param name="IsInbound">"in": from the client.</param>
/// <param name="Entries">What it amounts to; several where "assigned" stands for several addresses.</param>
public sealed record IpFilterRule(bool IsInbound, IReadOnlyList<AccessListEntry> Entries);

/// <summary>
/// Parses the IPFilterRules of NAS-Filter-Rule (RFC 4849 2, RFC 6733 4.3.1): "permit in tcp from assigned to 10.1.0.0/16 80,8000-8999 established". Options: frag,
/// established, setup, tcpflags, icmptypes; ipoptions and tcpoptions are errors. Never throws.
/// </summary>
public static class IpFilterRuleParser
{
    private static readonly (string Name, byte Bit)[] Flags =
    [
        ("fin", TcpFlagMatch.Fin), ("syn", TcpFlagMatch.Syn), ("rst", TcpFlagMatch.Rst), ("psh", TcpFlagMatch.Psh), ("ack", TcpFlagMatch.Ack), ("urg", TcpFlagMatch.Urg),
    ];

    /// <summary>Parses all rules and sorts them by direction.</summary>
    /// <param name="rules">In order.</param>
    /// <param name="assigned">The client's addresses, which "assigned" stands for.</param>
    /// <param name="name">What the lists are called.</param>
    /// <param name="inbound">Null where no rule is for what comes from the client.</param>
    /// <param name="outbound">Null where no rule is for what goes to it.</param>
    /// <param name="error">Names rule and word.</param>
    public static bool TryParse(
        IReadOnlyList<string> rules, IReadOnlyList<IPAddress> assigned, string name, out AccessList? inbound, out AccessList? outbound, [NotNullWhen(false)] out string? error)
    {
        inbound = outbound = null;
        error = null;
        var (entering, leaving) = (new List<AccessListEntry>(), new List<AccessListEntry>());
        for (var i = 0; i < rules.Count; i++)
        {
            if (!TryParse(rules[i], assigned, out var rule, out error))
            {
                error = $"{name}, rule {i + 1}: {error}";
                return false;
            }

            var list = rule.IsInbound ? entering : leaving;
            list.AddRange(rule.Entries.Select(e => e with { Sequence = 10 * (i + 1) }));
        }

        inbound = ToList(name, entering);
        outbound = ToList(name, leaving);
        return true;
    }

    /// <summary>Parses one rule.</summary>
    public static bool TryParse(string text, IReadOnlyList<IPAddress> assigned, [NotNullWhen(true)] out IpFilterRule? rule, [NotNullWhen(false)] out string? error)
    {
        rule = null;
        if (text.Length > AccessListParser.MaximumLength)
        {
            error = $"longer than {AccessListParser.MaximumLength} characters";
            return false;
        }

        var reader = new AccessListLineReader(text);
        var read = TryRead(reader, assigned, out rule);
        error = reader.Error ?? (read ? null : "incomplete");
        if (error is not null) rule = null;
        return error is null;
    }

    // RFC 6733 4.3.1: "the packet is dropped if the last rule evaluated was a permit, and passed if the last rule was a deny".
    private static AccessList? ToList(string name, List<AccessListEntry> entries) =>
        entries.Count == 0 ? null : new AccessList(name, entries) { PermitsRest = !entries[^1].IsPermit, DropsOffsetOne = true, IsOfSession = true };

    private static bool TryRead(AccessListLineReader reader, IReadOnlyList<IPAddress> assigned, out IpFilterRule? rule)
    {
        rule = null;
        var text = reader.Rest;
        var isPermit = reader.TryTake("permit");
        if (!isPermit && !reader.TryTake("deny")) return reader.Fail($"'{reader.Peek}' is neither permit nor deny");
        var isInbound = reader.TryTake("in");
        if (!isInbound && !reader.TryTake("out")) return reader.Fail($"'{reader.Peek}' is neither in nor out");
        if (!AccessListKeywordTable.TryProtocol(reader.Peek, out var protocol)) return reader.Fail($"'{reader.Peek}' is no protocol");
        reader.Skip();
        if (!reader.TryTake("from")) return reader.Fail($"'from' is missing before '{reader.Peek}'");
        if (!TryAddress(reader, assigned, out var sources) || !TryPorts(reader, protocol, out var sourcePorts)) return false;
        if (!reader.TryTake("to")) return reader.Fail($"'to' is missing before '{reader.Peek}'");
        if (!TryAddress(reader, assigned, out var destinations) || !TryPorts(reader, protocol, out var destinationPorts)) return false;
        var draft = new AccessListEntry
        {
            IsPermit = isPermit,
            Protocol = protocol,
            KeywordFamily = protocol switch { 1 => AddressFamily.InterNetwork, 58 => AddressFamily.InterNetworkV6, _ => null },
            SourcePorts = sourcePorts,
            DestinationPorts = destinationPorts,
            Text = text,
        };
        while (!reader.AtEnd)
        {
            if (!TryOption(reader, ref draft)) return false;
        }

        if (draft is { Fragments: true, NeedsTransportHeader: true }) return reader.Fail("'frag' goes with neither ports nor tcpflags");
        rule = new IpFilterRule(isInbound, [.. Pairs(draft, sources, destinations)]);
        return rule.Entries.Count > 0 || reader.Fail("source and destination are of two address families");
    }

    private static IEnumerable<AccessListEntry> Pairs(AccessListEntry draft, IReadOnlyList<AddressMatch?> sources, IReadOnlyList<AddressMatch?> destinations)
    {
        foreach (var source in sources)
        {
            foreach (var destination in destinations)
            {
                var families = new[] { source?.Family, destination?.Family, draft.KeywordFamily }.OfType<AddressFamily>().Distinct().Count();
                if (families <= 1) yield return draft with { Source = source, Destination = destination };
            }
        }
    }

    /// <summary>"any", "assigned", "A", "A/L", each perhaps behind "!".</summary>
    private static bool TryAddress(AccessListLineReader reader, IReadOnlyList<IPAddress> assigned, out IReadOnlyList<AddressMatch?> matches)
    {
        matches = [null];
        var word = reader.Take();
        var isExcluded = word.StartsWith('!');
        if (isExcluded) word = word[1..];
        if (!isExcluded && word == "any") return true;
        if (word == "assigned")
        {
            // Of several addresses "none of them" is not one match.
            if (isExcluded && assigned.GroupBy(static a => a.AddressFamily).Any(static g => g.Count() > 1)) return reader.Fail("'!assigned' of several addresses");
            matches = [.. assigned.Select(a => AddressMatch.Of(a) with { IsExcluded = isExcluded })];
            return matches.Count > 0 || reader.Fail("'assigned': the client has no address");
        }

        AddressMatch? match = AddressMatch.TryParseHost(word, out var host) ? AddressMatch.Of(host) : null;
        if (match is null && !AddressMatch.TryParsePrefix(word, out match)) return reader.Fail($"'{word}' is no address");
        matches = [match with { IsExcluded = isExcluded }];
        return true;
    }

    /// <summary>"80,8000-8999"; nothing where the next word is no number.</summary>
    private static bool TryPorts(AccessListLineReader reader, byte? protocol, out PortMatch? match)
    {
        match = null;
        if (reader.Peek is not [>= '0' and <= '9', ..]) return true;
        var word = reader.Take();
        if (protocol is not (6 or 17 or 132)) return reader.Fail($"'{word}': ports need tcp, udp or sctp");
        if (!TryRanges(word, ushort.MaxValue, out var ranges)) return reader.Fail($"'{word}' is no list of ports");
        match = new PortMatch(ranges);
        return true;
    }

    private static bool TryOption(AccessListLineReader reader, ref AccessListEntry draft)
    {
        var word = reader.Take();
        switch (word)
        {
            case "frag":
                draft = draft with { Fragments = true };
                return true;
            case "established" or "setup" or "tcpflags" when draft.Protocol != 6:
                return reader.Fail($"'{word}' needs protocol 6");
            case "established" or "setup" or "tcpflags" when draft.TcpFlags is not null:
                return reader.Fail($"'{word}': the flags are given twice");
            case "established":
                draft = draft with { TcpFlags = TcpFlagMatch.Established };
                return true;
            case "setup":
                draft = draft with { TcpFlags = TcpFlagMatch.Setup };
                return true;
            case "tcpflags":
                if (!TryFlags(reader.Peek, out var flags)) return reader.Fail($"'{reader.Peek}' is no list of TCP flags");
                reader.Skip();
                draft = draft with { TcpFlags = flags };
                return true;
            case "icmptypes":
                return TryIcmpTypes(reader, ref draft);
            case "ipoptions" or "tcpoptions":
                return reader.Fail($"the option '{word}' is not supported");
            default:
                return reader.Fail($"'{word}' is no option");
        }
    }

    private static bool TryIcmpTypes(AccessListLineReader reader, ref AccessListEntry draft)
    {
        if (draft.Protocol is not (1 or 58)) return reader.Fail("'icmptypes' needs protocol 1 or 58");
        if (!TryRanges(reader.Peek, byte.MaxValue, out var types)) return reader.Fail($"'{reader.Peek}' is no list of ICMP types");
        reader.Skip();
        draft = draft with { IcmpTypes = types };
        return true;
    }

    private static bool TryFlags(string word, out TcpFlagMatch match)
    {
        byte mask = 0, set = 0;
        match = default;
        foreach (var part in word.Split(','))
        {
            var name = part.TrimStart('!');
            var bit = Array.Find(Flags, f => f.Name == name).Bit;
            if (bit == 0 || part.Length - name.Length > 1 || (mask & bit) != 0) return false;
            mask |= bit;
            if (part.Length == name.Length) set |= bit;
        }

        match = new TcpFlagMatch(mask, set);
        return true;
    }

    private static bool TryRanges(string word, ushort maximum, out IReadOnlyList<PortRange> ranges)
    {
        var found = new List<PortRange>();
        ranges = found;
        foreach (var part in word.Split(','))
        {
            var dash = part.IndexOf('-', StringComparison.Ordinal);
            var (from, to) = dash < 0 ? (part, part) : (part[..dash], part[(dash + 1)..]);
            if (!ushort.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || !ushort.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var last) || last < first || last > maximum)
                return false;
            found.Add(new PortRange(first, last));
        }

        return true;
    }
}
