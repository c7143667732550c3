using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Numerics;

namespace Headend.VirtualAccess.Policy;

/// <summary>
/// Parses lines of access lists as IOS writes them, with prefixes beside wildcards: "permit ip any 10.10.0.0/24", "deny tcp any host 10.1.1.1 eq 443",
/// "permit 10.0.0.0 0.255.255.255". Never throws.
/// </summary>
public static class AccessListParser
{
    /// <summary>Longest line in characters.</summary>
    public const int MaximumLength = 256;

    private static readonly (string Name, byte? Number)[] Protocols =
    [
        ("ip", null), ("ipv6", null), ("icmp", 1), ("igmp", 2), ("ipinip", 4), ("tcp", 6), ("udp", 17), ("gre", 47), ("esp", 50), ("ahp", 51), ("icmpv6", 58), ("ospf", 89), ("sctp", 132),
    ];

    private static readonly (string Name, ushort Number)[] Ports =
    [
        ("ftp-data", 20), ("ftp", 21), ("ssh", 22), ("telnet", 23), ("smtp", 25), ("domain", 53), ("bootps", 67), ("bootpc", 68), ("tftp", 69), ("www", 80), ("http", 80),
        ("kerberos", 88), ("pop3", 110), ("ntp", 123), ("netbios-ns", 137), ("netbios-dgm", 138), ("netbios-ss", 139), ("imap4", 143), ("snmp", 161), ("ldap", 389),
        ("https", 443), ("isakmp", 500), ("syslog", 514), ("ldaps", 636), ("non500-isakmp", 4500), ("rdp", 3389),
    ];

    /// <summary>Parses one line.</summary>
    /// <param name="line">Without a sequence number.</param>
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
        ReadOnlySpan<string> words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words is [var remark, ..] && Is(remark, "remark")) return true;
        if (words is not [var action, ..] || !(Is(action, "permit") || Is(action, "deny")))
        {
            error = $"'{line}' begins with none of permit, deny, remark";
            return false;
        }
        words = words[1..];
        var draft = new AccessListEntry { IsPermit = Is(action, "permit") };
        return TryParseBody(words, draft, out entry, out error);
    }

    private static bool TryParseBody(ReadOnlySpan<string> words, AccessListEntry draft, out AccessListEntry? entry, [NotNullWhen(false)] out string? error)
    {
        entry = null;
        error = "incomplete";
        if (words.IsEmpty) return false;
        var hasProtocol = TryProtocol(words[0], out var protocol);
        if (hasProtocol) words = words[1..];
        if (!TryAddress(ref words, out var source, out error)) return false;
        draft = draft with { Protocol = protocol, Source = source };
        if (!hasProtocol)
        {
            entry = draft with { IsStandard = true };
            return TryTail(words, ref entry, out error);
        }
        var hasPorts = protocol is 6 or 17 or 132;
        PortRange? sourcePorts = null, destinationPorts = null;
        if (hasPorts && !TryPorts(ref words, out sourcePorts, out error)) return false;
        if (!TryAddress(ref words, out var destination, out error)) return false;
        if (source is { } from && destination is { } to && from.BaseAddress.AddressFamily != to.BaseAddress.AddressFamily)
        {
            error = $"{from} and {to} are of two address families";
            return false;
        }
        if (hasPorts && !TryPorts(ref words, out destinationPorts, out error)) return false;
        entry = draft with { SourcePorts = sourcePorts, Destination = destination, DestinationPorts = destinationPorts };
        return TryTail(words, ref entry, out error);
    }

    private static bool TryTail(ReadOnlySpan<string> words, ref AccessListEntry? entry, [NotNullWhen(false)] out string? error)
    {
        error = null;
        foreach (var word in words)
        {
            if (Is(word, "established") && entry!.Protocol == 6) entry = entry with { Established = true };
            else error ??= $"'{word}' is not understood here";
        }
        if (error is not null) entry = null;
        return error is null;
    }

    private static bool TryProtocol(string word, out byte? number)
    {
        foreach (var (name, value) in Protocols)
        {
            number = value;
            if (Is(word, name)) return true;
        }
        // 0 is any protocol.
        var isNumber = byte.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed);
        number = isNumber && parsed != 0 ? parsed : null;
        return isNumber;
    }

    /// <summary>"any", "host A", "A/L", "A WILDCARD", or "A" alone.</summary>
    private static bool TryAddress(ref ReadOnlySpan<string> words, out IPNetwork? network, [NotNullWhen(false)] out string? error)
    {
        network = null;
        error = null;
        if (words.IsEmpty)
        {
            error = "incomplete: an address is missing";
            return false;
        }
        var word = words[0];
        if (Is(word, "any"))
        {
            words = words[1..];
            return true;
        }
        var isHost = Is(word, "host") && words.Length > 1;
        if (isHost)
        {
            words = words[1..];
            word = words[0];
        }
        else if (word.Contains('/'))
        {
            return TryPrefix(ref words, out network, out error);
        }
        if (!TryHost(word, out var address))
        {
            error = $"'{word}' is no address";
            return false;
        }
        var bits = address.GetAddressBytes().Length * 8;
        words = words[1..];
        var length = bits;
        if (bits == 32 && !isHost && !words.IsEmpty && TryHost(words[0], out var wildcard) && wildcard.GetAddressBytes().Length == 4)
        {
            var mask = BinaryPrimitives.ReadUInt32BigEndian(wildcard.GetAddressBytes());
            length = BitOperations.LeadingZeroCount(mask);
            if (length < 32 && mask != uint.MaxValue >> length)
            {
                error = $"the wildcard {words[0]} has holes";
                return false;
            }
            words = words[1..];
        }
        network = Masked(address, length);
        return true;
    }

    private static bool TryPrefix(ref ReadOnlySpan<string> words, out IPNetwork? network, [NotNullWhen(false)] out string? error)
    {
        network = null;
        error = null;
        var slash = words[0].IndexOf('/');
        if (!TryHost(words[0][..slash], out var address)
            || !int.TryParse(words[0].AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > address.GetAddressBytes().Length * 8)
        {
            error = $"'{words[0]}' is no prefix";
            return false;
        }
        network = length == 0 ? null : Masked(address, length);
        words = words[1..];
        return true;
    }

    private static bool TryPorts(ref ReadOnlySpan<string> words, out PortRange? ports, [NotNullWhen(false)] out string? error)
    {
        ports = null;
        error = null;
        if (words.IsEmpty || words[0].ToLowerInvariant() is not ("eq" or "neq" or "lt" or "gt" or "range")) return true;
        var word = words[0].ToLowerInvariant();
        var needed = word == "range" ? 3 : 2;
        if (words.Length < needed || !TryPort(words[1], out var first) || !TryPort(words[needed - 1], out var last))
        {
            error = $"'{word}' needs {(needed == 3 ? "two ports" : "a port")}";
            return false;
        }
        ports = word switch
        {
            "eq" => new PortRange(first, first),
            "neq" => new PortRange(first, first, IsExcluded: true),
            "lt" when first > 0 => new PortRange(0, (ushort)(first - 1)),
            "gt" when first < ushort.MaxValue => new PortRange((ushort)(first + 1), ushort.MaxValue),
            "range" when first <= last => new PortRange(first, last),
            _ => null,
        };
        error = ports is null ? $"'{word} {string.Join(' ', words[1..needed].ToArray())}' is no port" : null;
        words = words[needed..];
        return error is null;
    }

    private static bool TryPort(string word, out ushort port)
    {
        foreach (var (name, number) in Ports)
        {
            port = number;
            if (Is(word, name)) return true;
        }
        return ushort.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out port);
    }

    // IPAddress takes "1" for 0.0.0.1 and "::1%eth0" for a scoped address.
    private static bool TryHost(string word, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        return (word.Contains(':') ? !word.Contains('%') : word.Count(c => c == '.') == 3) && IPAddress.TryParse(word, out address);
    }

    private static IPNetwork Masked(IPAddress address, int length)
    {
        var octets = address.GetAddressBytes();
        for (var bit = length; bit < octets.Length * 8; bit++) octets[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPNetwork(new IPAddress(octets), length);
    }

    private static bool Is(string word, string keyword) => string.Equals(word, keyword, StringComparison.OrdinalIgnoreCase);
}
