using System.Text.Json;

namespace Headend.VirtualAccess.Policy;

/// <summary>What the rules of one list have met.</summary>
/// <param name="List">The list.</param>
/// <param name="Device">The interface whose own list it is; null for one of the configuration or one that was downloaded.</param>
/// <param name="Packets">Packets that fitted, by <see cref="AccessListEntry.Sequence"/>; <see cref="NftablesCompiler.RestComment"/> is the end of the list. Equal lists of several sessions are counted together.</param>
/// <param name="Interfaces">Interfaces that it is counted for.</param>
public sealed record AccessListCounters(AccessList List, string? Device, IReadOnlyDictionary<int, long> Packets, int Interfaces);

/// <summary>What the filter of one interface has met.</summary>
/// <param name="Device"><c>viN</c>.</param>
/// <param name="Filter">Its lists.</param>
/// <param name="InboundPackets">From the client.</param>
/// <param name="InboundDenied">Of those, dropped by a list.</param>
/// <param name="OutboundPackets">Forwarded to the client.</param>
/// <param name="OutboundDenied">Of those, dropped by a list.</param>
public sealed record InterfaceFilterCounters(string Device, InterfaceFilter Filter, long InboundPackets, long InboundDenied, long OutboundPackets, long OutboundDenied);

/// <summary>A snapshot of the kernel's counters; those of one moment, but not of one packet.</summary>
public sealed record FilterStatistics(IReadOnlyList<AccessListCounters> Lists, IReadOnlyList<InterfaceFilterCounters> Interfaces)
{
    public static FilterStatistics Empty { get; } = new([], []);
}

/// <summary>The counters in libnftables's JSON of one table.</summary>
internal sealed class FilterCounterParser
{
    private static readonly Dictionary<int, long> None = [];

    private readonly Dictionary<string, Dictionary<int, long>> rules = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Set, string Device), long> elements = [];

    /// <summary>Reads what it knows; anything else is left out.</summary>
    /// <exception cref="JsonException">Not JSON.</exception>
    public static FilterCounterParser Parse(string json)
    {
        var parser = new FilterCounterParser();
        using var document = JsonDocument.Parse(json);
        if (!document.RootElement.TryGetProperty("nftables", out var items)) return parser;
        foreach (var item in items.EnumerateArray())
        {
            if (item.TryGetProperty("rule", out var rule)) parser.ReadRule(rule);
            else if (item.TryGetProperty("set", out var set)) parser.ReadSet(set);
        }

        return parser;
    }

    public IReadOnlyDictionary<int, long> Of(FilterChain chain) => rules.GetValueOrDefault(chain.Name, None);

    public long Of(string set, string device) => elements.GetValueOrDefault((set, device));

    private void ReadRule(JsonElement rule)
    {
        if (!rule.TryGetProperty("comment", out var comment) || !int.TryParse(comment.GetString(), out var entry)) return;
        if (!rule.TryGetProperty("chain", out var chain) || !rule.TryGetProperty("expr", out var expressions)) return;
        foreach (var expression in expressions.EnumerateArray())
        {
            if (!expression.TryGetProperty("counter", out var counter)) continue;
            var name = chain.GetString() ?? "";
            if (!rules.TryGetValue(name, out var entries)) rules[name] = entries = [];
            entries[entry] = entries.GetValueOrDefault(entry) + counter.GetProperty("packets").GetInt64();
        }
    }

    private void ReadSet(JsonElement set)
    {
        if (!set.TryGetProperty("name", out var name) || !set.TryGetProperty("elem", out var items)) return;
        foreach (var item in items.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Object || !item.TryGetProperty("elem", out var element) || !element.TryGetProperty("counter", out var counter)) continue;
            elements[(name.GetString() ?? "", element.GetProperty("val").GetString() ?? "")] = counter.GetProperty("packets").GetInt64();
        }
    }
}
