using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Sockets;

namespace Headend.VirtualAccess.Policy;

/// <summary>
/// Parses access lists as IOS writes them, with prefixes and ranges beside wildcards: "10 permit ip any 10.10.0.0/24", "deny tcp any host 10.1.1.1 eq 443 8443 log",
/// "permit 10.0.0.0 0.255.255.255". Never throws.
/// </summary>
public static class AccessListParser
{
    /// <summary>Longest line in characters.</summary>
    public const int MaximumLength = 256;

    /// <summary>Most entries of one list.</summary>
    public const int MaximumEntries = 4096;

    /// <summary>IOS's largest sequence number.</summary>
    public const int MaximumSequence = 2147483647;

    private const int SequenceStep = 10;

    /// <summary>Parses the lines of a list; entries are put in the order of their numbers, those without one get the next ten.</summary>
    /// <param name="name">Name or number; of a number the kind of list follows (1-99 and 1300-1999 standard, 100-199 and 2000-2699 extended).</param>
    /// <param name="lines">In order.</param>
    /// <param name="list">The list; it may be empty, which denies everything.</param>
    /// <param name="error">Names list, line and word.</param>
    public static bool TryParse(string name, IReadOnlyList<string> lines, [NotNullWhen(true)] out AccessList? list, [NotNullWhen(false)] out string? error)
    {
        var read = TryParse(name, lines, out list, out var index, out var fault);
        error = read ? null : $"access list {name}, line {index + 1}: {fault}";
        return read;
    }

    /// <summary>The same with the line at fault by its index.</summary>
    public static bool TryParse(string name, IReadOnlyList<string> lines, [NotNullWhen(true)] out AccessList? list, out int index, [NotNullWhen(false)] out string? error)
    {
        list = null;
        error = null;
        var entries = new SortedDictionary<int, AccessListEntry>();
        var last = 0;
        for (index = 0; index < lines.Count; index++)
        {
            if (!TryParse(lines[index], out var entry, out error)) return false;
            if (entry is null) continue;
            error = Place(name, entries, ref last, entry);
            if (error is not null) return false;
        }

        list = new AccessList(name, [.. entries.Values]);
        return true;
    }

    private static string? Place(string name, SortedDictionary<int, AccessListEntry> entries, ref int last, AccessListEntry entry)
    {
        if (Misplaced(name, entry) is { } misplaced) return misplaced;
        if (entry.Sequence == 0 && last > MaximumSequence - SequenceStep) return "no sequence number is left";
        if (entries.Count == MaximumEntries) return $"more than {MaximumEntries} entries";
        var number = entry.Sequence != 0 ? entry.Sequence : last + SequenceStep;
        last = Math.Max(last, number);
        return entries.TryAdd(number, entry with { Sequence = number }) ? null : $"the number {number} stands twice";
    }

    /// <summary>Parses one line.</summary>
    /// <param name="line">With or without a sequence number.</param>
    /// <param name="entry">Null for a remark.</param>
    /// <param name="error">Names the word at fault.</param>
    public static bool TryParse(string line, out AccessListEntry? entry, [NotNullWhen(false)] out string? error)
    {
        entry = null;
        error = null;
        if (line.Length > MaximumLength)
        {
            error = $"longer than {MaximumLength} characters";
            return false;
        }

        var reader = new AccessListLineReader(line);
        var read = TryRead(reader, out entry);
        error = reader.Error ?? (read ? null : "incomplete");
        if (error is null) return true;
        entry = null;
        return false;
    }

    private static string? Misplaced(string name, AccessListEntry entry)
    {
        if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return null;
        return number switch
        {
            (>= 1 and <= 99) or (>= 1300 and <= 1999) when !entry.IsStandard => $"'{entry.Text}' belongs in an extended list, and {name} is a standard list",
            (>= 100 and <= 199) or (>= 2000 and <= 2699) when entry.IsStandard => $"'{entry.Text}' belongs in a standard list, and {name} is an extended list",
            _ => null,
        };
    }

    private static bool TryRead(AccessListLineReader reader, out AccessListEntry? entry)
    {
        entry = null;
        var sequence = 0;
        if (reader.Peek is [>= '0' and <= '9', ..])
        {
            if (!int.TryParse(reader.Peek, NumberStyles.None, CultureInfo.InvariantCulture, out sequence) || sequence == 0)
                return reader.Fail($"'{reader.Peek}' is no sequence number");
            reader.Skip();
        }

        if (reader.TryTake("remark")) return true;
        var text = reader.Rest;
        var isPermit = reader.TryTake("permit");
        if (!isPermit && !reader.TryTake("deny")) return reader.Fail($"'{text}' begins with none of permit, deny, remark");
        var draft = new AccessListEntry { IsPermit = isPermit, Sequence = sequence, Text = text };
        var hasProtocol = AccessListKeywordTable.TryProtocol(reader.Peek, out var protocol);
        if (!(hasProtocol ? TryExtended(reader, ref draft, protocol) : TryStandard(reader, ref draft))) return false;
        while (!reader.AtEnd)
        {
            if (!TryOption(reader, ref draft)) return false;
        }

        if (draft is { Fragments: true, NeedsTransportHeader: true }) return reader.Fail("'fragments' has no ports, flags or types");
        entry = draft with { PermitsLaterFragments = isPermit && draft.NeedsTransportHeader };
        return true;
    }

    private static bool TryStandard(AccessListLineReader reader, ref AccessListEntry draft)
    {
        if (!reader.TryAddress(out var source)) return false;
        draft = draft with { Source = source, IsStandard = true };
        return true;
    }

    private static bool TryExtended(AccessListLineReader reader, ref AccessListEntry draft, byte? protocol)
    {
        var word = reader.Take();
        var hasPorts = protocol is 6 or 17 or 132;
        PortMatch? sourcePorts = null, destinationPorts = null;
        if (!reader.TryAddress(out var source) || (hasPorts && !reader.TryPorts(out sourcePorts))) return false;
        if (!reader.TryAddress(out var destination) || (hasPorts && !reader.TryPorts(out destinationPorts))) return false;
        if (source is not null && destination is not null && source.Family != destination.Family) return reader.Fail($"{source} and {destination} are of two address families");
        var family = (source ?? destination)?.Family;
        // In IOS's IPv6 lists "icmp" is ICMPv6.
        if (protocol == 1 && family == AddressFamily.InterNetworkV6) protocol = 58;
        AddressFamily? keyword = protocol switch
        {
            1 => AddressFamily.InterNetwork,
            58 => AddressFamily.InterNetworkV6,
            _ when word.Equals("ipv6", StringComparison.OrdinalIgnoreCase) => AddressFamily.InterNetworkV6,
            _ => null,
        };
        if (keyword is not null && family is not null && keyword != family) return reader.Fail($"'{word}' does not go with {source ?? destination}");
        draft = draft with { Protocol = protocol, KeywordFamily = keyword, Source = source, SourcePorts = sourcePorts, Destination = destination, DestinationPorts = destinationPorts };
        return protocol is not (1 or 58) || TryIcmp(reader, ref draft);
    }

    /// <summary>A word for type and code, or a number for the type and perhaps one for the code.</summary>
    private static bool TryIcmp(AccessListLineReader reader, ref AccessListEntry draft)
    {
        if (reader.AtEnd) return true;
        byte? code = null;
        if (AccessListKeywordTable.TryIcmp(reader.Peek, draft.Protocol == 58, out var type, out var known))
        {
            code = known;
            reader.Skip();
        }
        else if (reader.TryNumber(byte.MaxValue, out var number))
        {
            type = (byte)number;
            if (reader.TryNumber(byte.MaxValue, out var second)) code = (byte)second;
        }
        else
        {
            return true;
        }

        draft = draft with { IcmpTypes = [new PortRange(type, type)], IcmpCode = code };
        return true;
    }

    private static bool TryOption(AccessListLineReader reader, ref AccessListEntry draft)
    {
        var word = reader.Take();
        switch (word.ToLowerInvariant())
        {
            case "log" or "log-input":
                draft = draft with { Log = true };
                return true;
            case "established" when draft is { Protocol: 6, TcpFlags: null }:
                draft = draft with { TcpFlags = TcpFlagMatch.Established };
                return true;
            case "fragments" when !draft.IsStandard:
                draft = draft with { Fragments = true };
                return true;
            case "dscp" when !draft.IsStandard:
                if (!DscpTable.TryParse(reader.Peek, out var dscp)) return reader.Fail($"'{reader.Peek}' is no DSCP");
                reader.Skip();
                draft = draft with { Dscp = dscp };
                return true;
            default:
                return reader.Fail($"'{word}' is not understood here");
        }
    }
}
