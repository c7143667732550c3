using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Numerics;

namespace Headend.Aaa.Authorization;

/// <summary>The text forms of attribute values. Host bits of networks are cleared: administrators write the address of any host in the subnet.</summary>
internal static class AttributeParser
{
    private const int MaximumDomain = 253;
    private const int MaximumLabel = 63;

    public static bool TryParseAddress(string text, int length, out IPAddress address)
    {
        address = IPAddress.None;
        // IPAddress takes "1" for 0.0.0.1 and "::1%eth0" for a scoped address.
        if (text.Contains('%') || (length == 4 && text.Count(static c => c == '.') != 3)) return false;
        if (!IPAddress.TryParse(text, out var parsed) || parsed.GetAddressBytes().Length != length) return false;
        address = parsed;
        return true;
    }

    /// <summary>"10.0.0.0/8" or "2001:db8::/32".</summary>
    public static bool TryParseNetwork(string text, out IPNetwork network)
    {
        network = default;
        var slash = text.IndexOf('/');
        if (slash <= 0) return false;
        var isIpv6 = text.Contains(':');
        return TryParseAddress(text[..slash], isIpv6 ? 16 : 4, out var address)
            && TryParseNumber(text.AsSpan(slash + 1), 0, isIpv6 ? 128u : 32u, out var length)
            && TryMakeNetwork(address, (int)length, out network);
    }

    /// <summary>"10.0.0.0", "255.0.0.0".</summary>
    public static bool TryParseMasked(string address, string mask, out IPNetwork network)
    {
        network = default;
        return TryParseAddress(address, 4, out var start) && TryParseAddress(mask, 4, out var octets) && TryMaskLength(octets, out var length)
            && TryMakeNetwork(start, length, out network);
    }

    /// <summary>False for a mask with holes.</summary>
    public static bool TryMaskLength(IPAddress mask, out int length)
    {
        var number = BinaryPrimitives.ReadUInt32BigEndian(mask.GetAddressBytes());
        length = BitOperations.PopCount(number);
        return length == 0 ? number == 0 : number == uint.MaxValue << (32 - length);
    }

    public static bool TryParseNumber(ReadOnlySpan<char> text, uint minimum, uint maximum, out uint number)
        => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= minimum && number <= maximum;

    public static bool TryParseSwitch(string text, out bool value)
    {
        value = text.ToLowerInvariant() is "1" or "true" or "yes" or "on" or "enable";
        return value || text.ToLowerInvariant() is "0" or "false" or "no" or "off" or "disable";
    }

    /// <summary>A DNS name in presentation format, without its last dot; one with other letters in its ASCII form (RFC 5890 A-labels).</summary>
    public static bool TryParseDomain(string text, out string domain)
    {
        domain = text.EndsWith('.') ? text[..^1] : text;
        if (domain.Length is 0 or > MaximumDomain) return false;
        if (!System.Text.Ascii.IsValid(domain) && !TryToAscii(domain, out domain)) return false;
        foreach (var label in domain.Split('.'))
        {
            if (label.Length is 0 or > MaximumLabel) return false;
            foreach (var c in label)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_')) return false;
            }
        }
        return true;
    }

    /// <summary>"local ipv4 ADDR MASK [[next-hop] ADDR] [tag:T] [distance:D]" and "local ipv6 P/L ..." behind route-set.</summary>
    public static bool TryParseLocalRoute(ReadOnlySpan<string> words, out PeerRoute? route)
    {
        route = null;
        IPNetwork network;
        int length;
        switch (words)
        {
            case ["local", "ipv4", var address, var mask, ..]:
                if (!TryParseMasked(address, mask, out network)) return false;
                words = words[4..];
                length = 4;
                break;
            case ["local", "ipv6", var prefix, ..]:
                if (!TryParseNetwork(prefix, out network) || !prefix.Contains(':')) return false;
                words = words[3..];
                length = 16;
                break;
            default:
                return false;
        }
        IPAddress? nextHop = null;
        if (words is ["next-hop", _, ..]) words = words[1..];
        if (!words.IsEmpty && !words[0].StartsWith("tag:", StringComparison.Ordinal) && !words[0].StartsWith("distance:", StringComparison.Ordinal))
        {
            if (!TryParseAddress(words[0], length, out var hop)) return false;
            nextHop = IsUnspecified(hop) ? null : hop;
            words = words[1..];
        }
        if (!TryParseTagAndDistance(words, out var tag, out var distance)) return false;
        route = new PeerRoute(network, nextHop, tag, distance);
        return true;
    }

    /// <summary>"any [tag:T] [distance:D]" behind route-accept.</summary>
    public static bool TryParseAcceptance(string text, out RouteAcceptance? acceptance)
    {
        acceptance = null;
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is not ["any", ..] || !TryParseTagAndDistance(words.AsSpan(1), out var tag, out var distance)) return false;
        acceptance = new RouteAcceptance(tag, distance);
        return true;
    }

    /// <summary>RFC 2865 5.22: "prefix[/length] [gateway [metric ...]]"; without a length it is that of the address' class. RFC 3162 2.5 for IPv6.</summary>
    public static bool TryParseFramedRoute(string text, int addressLength, out PeerRoute? route)
    {
        route = null;
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0) return false;
        IPNetwork network;
        if (words[0].Contains('/'))
        {
            if (!TryParseNetwork(words[0], out network) || network.BaseAddress.GetAddressBytes().Length != addressLength) return false;
        }
        else
        {
            if (addressLength != 4 || !TryParseAddress(words[0], 4, out var address)) return false;
            // "If the length specifier is omitted, it defaults to 8 bits for class A prefixes, 16 bits for class B prefixes, and 24 bits for class C prefixes."
            var length = address.GetAddressBytes()[0] switch { < 128 => 8, < 192 => 16, < 224 => 24, _ => 32 };
            TryMakeNetwork(address, length, out network);
        }
        IPAddress? nextHop = null;
        if (words.Length > 1)
        {
            if (!TryParseAddress(words[1], addressLength, out var hop)) return false;
            nextHop = IsUnspecified(hop) ? null : hop;
        }
        uint? distance = null;
        for (var i = 2; i < words.Length; i++)
        {
            // "1 2 -1 3 400": further metrics are of protocols that we do not speak.
            if (!int.TryParse(words[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var metric)) return false;
            if (i == 2 && metric >= 0) distance = (uint)metric;
        }
        route = new PeerRoute(network, nextHop, null, distance);
        return true;
    }

    /// <summary>
    /// Mikrotik-Rate-Limit: "rx/tx [burst/burst [threshold/threshold [time/time [priority [min/min]]]]]" with k, M and G; rx is from the client. A rate of 0 is none.
    /// </summary>
    public static bool TryParseMikrotik(string text, out RateLimit? up, out RateLimit? down)
    {
        up = down = null;
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length is 0 or > 6) return false;
        Span<long> ups = stackalloc long[6], downs = stackalloc long[6];
        ups.Clear();
        downs.Clear();
        for (var i = 0; i < words.Length; i++)
        {
            var slash = words[i].IndexOf('/');
            var first = slash < 0 ? words[i] : words[i][..slash];
            var second = slash < 0 ? words[i] : words[i][(slash + 1)..];
            if (!TryParseRate(first, out ups[i]) || !TryParseRate(second, out downs[i])) return false;
        }
        up = Limit(ups);
        down = Limit(downs);
        return true;

        static RateLimit? Limit(ReadOnlySpan<long> values) => values[0] == 0 ? null : values[1] == 0
            ? new RateLimit(values[0])
            : new RateLimit(values[0], values[1], values[2] == 0 ? null : values[2], values[3] is > 0 and <= int.MaxValue ? (int)values[3] : null);
    }

    private static bool TryParseRate(string text, out long rate)
    {
        rate = 0;
        var factor = text.Length == 0 ? 0 : text[^1] switch { 'k' or 'K' => 1_000L, 'm' or 'M' => 1_000_000L, 'g' or 'G' => 1_000_000_000L, _ => 1L };
        if (factor == 0 || !uint.TryParse(factor == 1 ? text : text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
        rate = number * factor;
        return true;
    }

    private static bool TryParseTagAndDistance(ReadOnlySpan<string> words, out uint? tag, out uint? distance)
    {
        tag = distance = null;
        foreach (var word in words)
        {
            if (word.StartsWith("tag:", StringComparison.Ordinal) && tag is null && TryParseNumber(word.AsSpan(4), 0, uint.MaxValue, out var t)) tag = t;
            else if (word.StartsWith("distance:", StringComparison.Ordinal) && distance is null && TryParseNumber(word.AsSpan(9), 1, 255, out var d)) distance = d;
            else return false;
        }
        return true;
    }

    private static bool IsUnspecified(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static bool TryMakeNetwork(IPAddress address, int length, out IPNetwork network)
    {
        var octets = address.GetAddressBytes();
        for (var bit = length; bit < octets.Length * 8; bit++) octets[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        network = new IPNetwork(new IPAddress(octets), length);
        return true;
    }

    private static bool TryToAscii(string name, out string ascii)
    {
        ascii = "";
        try
        {
            ascii = new IdnMapping().GetAscii(name);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
