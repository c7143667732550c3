using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.Policy;

/// <summary>An element of one of the table's sets and maps.</summary>
/// <param name="Set">The set's name.</param>
/// <param name="Device">The session's interface, where the key begins with it.</param>
/// <param name="WayOut">An interface, where the key ends with it.</param>
/// <param name="Address">An address, where the key ends with it.</param>
/// <param name="Value">What a map has for the key.</param>
internal readonly record struct NatElement(string Set, string? Device, string? WayOut = null, IPAddress? Address = null, IPAddress? Value = null)
{
    public byte[] Key() =>
    [
        .. Device is null ? [] : NfTablesCodec.InterfaceKey(Device), .. WayOut is null ? [] : NfTablesCodec.InterfaceKey(WayOut), .. Address?.GetAddressBytes() ?? [],
    ];

    public override string ToString() => $"{string.Join(" . ", new object?[] { Device, WayOut, Address }.OfType<object>())} in {Set}";
}

/// <summary>What the translations of all interfaces are in the kernel, as text and elements; pure.</summary>
/// <remarks>
/// <code>
/// table inet headend-nat-STATE
///   before (prerouting), own (output)   daddr @reached -> dnat by the map @local
///   after (postrouting)                 oifname @inside -> nothing: as on IOS from inside to inside
///                                       iifname . saddr @static -> snat by the map @global
///                                       iifname . oifname @overload_by, iifname @overload -> masquerade
/// </code>
/// Each set is there for IPv4 and for IPv6. A connection's first packet costs some hash look-ups, however many sessions there are; its other packets ask nothing here.
/// What comes from a client is bound to its own addresses, and has passed its access lists, before any of this.
/// </remarks>
internal sealed class NatTable(string stateId)
{
    private const string Inside = "inside";

    private static readonly (string Family, string Suffix)[] Families = [("ip", "4"), ("ip6", "6")];

    public string Name { get; } = $"headend-nat-{stateId}";

    /// <summary>Makes the table anew.</summary>
    public string Setup()
    {
        var text = new StringBuilder(Clear());
        text.Append(CultureInfo.InvariantCulture, $"add table inet {Name}\nadd set inet {Name} {Inside} {{ type ifname; }}\n");
        foreach (var (family, suffix) in Families)
        {
            var address = family == "ip" ? "ipv4_addr" : "ipv6_addr";
            foreach (var (set, type) in new[] { ("overload", "ifname"), ("overload_by", "ifname . ifname"), ("static", $"ifname . {address}"), ("reached", address) })
                text.Append(CultureInfo.InvariantCulture, $"add set inet {Name} {set}{suffix} {{ type {type}; counter; }}\n");
            foreach (var map in new[] { "global", "local" }) text.Append(CultureInfo.InvariantCulture, $"add map inet {Name} {map}{suffix} {{ type {address} : {address}; }}\n");
        }

        // -100: the word dstnat is not understood in the output hook.
        foreach (var (chain, hook, priority) in new[] { ("before", "prerouting", "-100"), ("own", "output", "-100"), ("after", "postrouting", "100") })
            text.Append(CultureInfo.InvariantCulture, $"add chain inet {Name} {chain} {{ type nat hook {hook} priority {priority}; policy accept; }}\n");
        text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} after oifname @{Inside} return\n");
        foreach (var (family, suffix) in Families)
        {
            foreach (var chain in new[] { "before", "own" })
                text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} {chain} {family} daddr @reached{suffix} dnat {family} to {family} daddr map @local{suffix}\n");
            text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} after iifname . {family} saddr @static{suffix} snat {family} to {family} saddr map @global{suffix}\n");
            var protocol = family == "ip" ? "ipv4" : "ipv6";
            text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} after meta nfproto {protocol} iifname . oifname @overload_by{suffix} masquerade\n");
            text.Append(CultureInfo.InvariantCulture, $"add rule inet {Name} after meta nfproto {protocol} iifname @overload{suffix} masquerade\n");
        }

        return text.ToString();
    }

    public string Teardown() => $"delete table inet {Name}\n";

    /// <summary>Takes the table away where there is one.</summary>
    public string Clear() => $"add table inet {Name}\ndelete table inet {Name}\n";

    /// <summary>What stands for an interface; nothing without rules.</summary>
    public static IEnumerable<NatElement> Elements(string device, IReadOnlyCollection<NatRule> rules)
    {
        if (rules.Count > 0) yield return new NatElement(Inside, device);
        foreach (var rule in rules)
        {
            yield return Outbound(device, rule);
            if (rule.IsOverload) continue;
            yield return Inbound(rule);
            yield return new NatElement("global" + SuffixOf(rule), null, Address: rule.Local, Value: rule.Global);
            yield return new NatElement("local" + SuffixOf(rule), null, Address: rule.Global, Value: rule.Local);
        }
    }

    public NetlinkStep Add(NatElement element) => new($"{element}", NfTablesCodec.AddElement(Name, element.Set, element.Key(), element.Value?.GetAddressBytes()));

    public NetlinkStep Remove(NatElement element) => new($"no {element}", NfTablesCodec.RemoveElement(Name, element.Set, element.Key()));

    /// <summary>The sets that count for a rule.</summary>
    public static IEnumerable<string> CountingSets(string device, NatRule rule) => rule.IsOverload ? [Outbound(device, rule).Set] : [Outbound(device, rule).Set, Inbound(rule).Set];

    /// <summary>The counters of a rule in libnftables's JSON of its sets.</summary>
    /// <exception cref="JsonException">Not JSON.</exception>
    public static NatRuleCounters Count(string device, NatRule rule, IReadOnlyDictionary<string, string> listings)
    {
        var outbound = Outbound(device, rule);
        return new NatRuleCounters(rule, ReadCounter(listings, outbound), rule.IsOverload ? 0 : ReadCounter(listings, Inbound(rule)));
    }

    private static NatElement Outbound(string device, NatRule rule) =>
        !rule.IsOverload ? new("static" + SuffixOf(rule), device, Address: rule.Local)
        : rule.WayOut is { } wayOut ? new("overload_by" + SuffixOf(rule), device, wayOut)
        : new("overload" + SuffixOf(rule), device);

    private static NatElement Inbound(NatRule rule) => new("reached" + SuffixOf(rule), null, Address: rule.Global);

    private static string SuffixOf(NatRule rule) => rule.Family == AddressFamily.InterNetwork ? "4" : "6";

    private static long ReadCounter(IReadOnlyDictionary<string, string> listings, NatElement element)
    {
        if (!listings.TryGetValue(element.Set, out var json)) return 0;
        string[] key = [.. new object?[] { element.Device, element.WayOut, element.Address }.OfType<object>().Select(o => o.ToString() ?? "")];
        using var document = JsonDocument.Parse(json);
        if (!document.RootElement.TryGetProperty("nftables", out var items)) return 0;
        foreach (var set in items.EnumerateArray())
        {
            if (!set.TryGetProperty("set", out var body) || !body.TryGetProperty("elem", out var elements)) continue;
            foreach (var item in elements.EnumerateArray())
            {
                if (item.ValueKind != JsonValueKind.Object || !item.TryGetProperty("elem", out var one) || !one.TryGetProperty("counter", out var counter)) continue;
                if (one.TryGetProperty("val", out var value) && KeyOf(value).SequenceEqual(key, StringComparer.Ordinal)) return counter.GetProperty("packets").GetInt64();
            }
        }

        return 0;
    }

    private static IEnumerable<string> KeyOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? [value.GetString()!]
        : value.ValueKind == JsonValueKind.Object && value.TryGetProperty("concat", out var parts) ? parts.EnumerateArray().Select(p => p.ToString())
        : [];
}
